"""Where figures go: JSON for programs, plots for people, each with the machine that they are of."""

import json
import os
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

__all__ = ["plot", "save", "show"]

_RESULTS: Final = Path(__file__).parent / "results"
_IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"

# Ours, and everybody else.
_COLOURS: Final = ("#0f766e", "#94a3b8")


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


def plot(name: str, titles: Mapping[str, Mapping[str, float]]) -> None:
    """Draw docs/images/NAME.png: beside each other a panel for each title, with a bar for each peer."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(titles), figsize=(5 * len(titles), 3.4), squeeze=False)
    for panel, (title, of) in zip(panels[0], titles.items(), strict=True):
        _bars(panel, title, of)
    figure.tight_layout()
    figure.savefig(_IMAGES / f"{name}.png", dpi=110)


def _bars(panel: Any, title: str, of: Mapping[str, float]) -> None:
    names = list(reversed(of))
    colours = [_COLOURS[not name.startswith("Pulse Radar")] for name in names]
    bars = panel.barh(names, [of[name] for name in names], color=colours)
    panel.bar_label(bars, [f"{of[name]:,.0f}" for name in names], padding=3, fontsize=8)
    panel.set_title(title, fontsize=10, loc="left")
    panel.margins(x=0.18)
    panel.set_xticks([])
    panel.tick_params(axis="y", labelsize=8)
    panel.spines[["top", "right", "bottom"]].set_visible(False)
