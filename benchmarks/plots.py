"""Figures drawn for the documentation. It needs what is only there after `make bench`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

__all__ = ["plot"]

_IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"

# Ours, and everybody else.
_COLOURS: Final = ("#0f766e", "#94a3b8")


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
    names = [*of][::-1]
    colours = [_COLOURS[not name.startswith("Pulse Radar")] for name in names]
    bars = panel.barh(names, [of[name] for name in names], color=colours)
    panel.bar_label(bars, [f"{of[name]:,.0f}" for name in names], padding=3, fontsize=8)
    panel.set_title(title, fontsize=10, loc="left")
    panel.margins(x=0.18)
    panel.set_xticks([])
    panel.tick_params(axis="y", labelsize=8)
    panel.spines[["top", "right", "bottom"]].set_visible(False)
