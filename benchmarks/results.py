"""Where figures go: to the terminal, and as JSON with the machine that they are of."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

__all__ = ["save", "show"]

_RESULTS: Final = Path(__file__).parent / "results"


def save(name: str, figures: object, **setting: int) -> None:
    """Write benchmarks/results/NAME.json."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    text = {"machine": machine, **setting, "figures": msgspec.to_builtins(figures, str_keys=True)}
    (_RESULTS / f"{name}.json").write_text(json.dumps(text, indent=2) + "\n")


def show(title: str, figures: Mapping[str, str]) -> None:
    """Print figures that stand each by itself."""
    table = Table("", "", title=title, box=None)
    for name, value in figures.items():
        table.add_row(name, value)
    Console(width=100).print(table)
