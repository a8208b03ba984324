"""Where figures go: to the terminal, and as JSON with the machine that they are of."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

__all__ = ["save", "show", "show_table"]

_RESULTS: Final = Path(__file__).parent / "results"


def save(name: str, figures: object, **setting: int | Mapping[str, str]) -> None:
    """Write benchmarks/results/NAME.json."""
    machine = f"{os.cpu_count()} cores, {_processor()}, Linux {platform.release()}, Python {platform.python_version()}"
    text = {"machine": machine, **setting, "figures": msgspec.to_builtins(figures, str_keys=True)}
    (_RESULTS / f"{name}.json").write_text(json.dumps(text, indent=2) + "\n")


def show(title: str, figures: Mapping[str, str]) -> None:
    """Print figures that stand each by itself."""
    show_table(title, ("", ""), figures.items())


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print names at the left and their figures at the right, under their title."""
    table = Table(columns[0], box=None)
    for column in columns[1:]:
        table.add_column(column, justify="right")
    for row in rows:
        assert len(row) == len(columns), f"a figure without its column, or the reverse: {row}"
        table.add_row(*row)
    console = Console(width=144)
    console.print(f"\n{title}", style="bold")
    console.print(table)


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    # Not every kind of processor has one there.
    return next(names, platform.machine())
