"""How measures are spread over a few fixed buckets: an addition each, whoever looks at them later."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Final

import msgspec

__all__ = ["LAG_SECONDS", "Histogram", "HistogramStats"]

# From publish to the connections: a few milliseconds where all is well; an election (8.5 s), an outage, a long sleep.
LAG_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0)


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
