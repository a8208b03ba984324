"""Figures drawn for the documentation. It needs what is only there after `make bench`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

__all__ = ["Bar", "plot"]

_IMAGES: Final = Path(__file__).parents[1] / "docs" / "images"

_OURS, _OTHERS, _WHISKER = "#0f766e", "#94a3b8", "#1e293b"

# Inches: as wide as a page of the documentation shows it, so that it is read without a magnifier.
_WIDTH: Final = 7.6
_PER_BAR: Final = 0.26
_PER_TITLE: Final = 0.5


class Bar(msgspec.Struct, frozen=True):
    """`whisker`: from where to where it might as well be; `note`: what stands behind its figure."""

    length: float
    whisker: tuple[float, float] | None = None
    note: str = ""


def plot(name: str, titles: Mapping[str, Mapping[str, Bar]]) -> None:
    """Draw docs/images/NAME.png: below each other a panel for each title, with a bar for each peer."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    heights = [_PER_TITLE + _PER_BAR * len(bars) for bars in titles.values()]
    figure, panels = pyplot.subplots(
        len(titles), 1, figsize=(_WIDTH, sum(heights)), height_ratios=heights, squeeze=False
    )
    for [panel], (title, bars) in zip(panels, titles.items(), strict=True):
        _draw(panel, title, bars)
    figure.tight_layout()
    figure.savefig(_IMAGES / f"{name}.png", dpi=120)


def _draw(panel: Any, title: str, bars: Mapping[str, Bar]) -> None:
    ends = []
    for place, (name, bar) in enumerate(reversed([*bars.items()])):
        low, high = bar.whisker or (bar.length, bar.length)
        ends.append(max(high, bar.length))
        panel.barh(name, bar.length, color=_OURS if name.startswith("Pulse Radar") else _OTHERS)
        panel.plot([low, high], [place, place], color=_WHISKER, linewidth=1)
        said = f"{bar.length:,.0f}{f'  ({bar.note})' if bar.note else ''}"
        panel.annotate(said, (ends[-1], place), (4, 0), textcoords="offset points", va="center", fontsize=8)
    panel.set_title(title, fontsize=9, loc="left")
    # Room for what stands behind the longest.
    panel.set_xlim(0, 1.3 * max(ends))
    panel.set_xticks([])
    panel.tick_params(axis="y", labelsize=8)
    panel.spines[["top", "right", "bottom"]].set_visible(False)
