"""How measures are spread over a few fixed buckets: an addition each, whoever looks at them later."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["Histogram", "HistogramStats"]


class HistogramStats(msgspec.Struct, frozen=True):
    """A snapshot. `counts[i]` measures were at most `bounds[i]` and above the bound before; the last ones above all.

    `total` is the sum of all measures.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


class Histogram:
    """Running counts of measures, all in one unit."""

    __slots__ = ("_bounds", "_counts", "_total")

    def __init__(self, bounds: Sequence[float]) -> None:
        """`bounds`: the upper ones, rising."""
        self._bounds: Final = tuple(bounds)
        self._counts = [0] * (len(bounds) + 1)
        self._total = 0.0

    def observe(self, measure: float) -> None:
        self._counts[bisect_left(self._bounds, measure)] += 1
        self._total += measure

    def stats(self) -> HistogramStats:
        return HistogramStats(self._bounds, tuple(self._counts), self._total)

    def __repr__(self) -> str:
        return f"<Histogram of {sum(self._counts)}>"
