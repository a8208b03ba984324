"""What deliveries cost each peer: medians over the rounds, and beside the floor's and ours in the same round."""

import statistics
from collections.abc import Callable
from typing import Final

import msgspec

from benchmarks.arena import Spent
from benchmarks.peers.table import FLOOR, OURS
from benchmarks.plots import Bar, plot
from benchmarks.results import show_table

__all__ = ["Figures", "figures", "plot_deliveries", "show_deliveries"]


class Figures(msgspec.Struct, frozen=True):
    """Of one peer, medians over the rounds. `spread`: quartiles of the first.

    `to_floor`: of its rate to the floor's in the same round, and its quartiles; `ours`: of our rate to its own. None,
    where one of the two was not measured. A machine that is quick in one round and slow in the next is so for both.
    """

    per_cpu_second: float
    spread: tuple[float, float]
    per_second: float
    crowd_share: float
    writes_per_delivery: float
    bytes_per_delivery: float
    to_floor: float | None
    to_floor_spread: tuple[float, float] | None
    ours: float | None


def figures(spent: dict[str, list[Spent]]) -> dict[str, Figures]:
    """By peer, of what it spent in each round."""
    rates = {name: list(map(_rate, own)) for name, own in spent.items()}
    floor, ours = rates.get(FLOOR), rates.get(OURS)
    return {name: _figures(own, rates[name], floor, ours) for name, own in spent.items()}


def _figures(
    spent: list[Spent], rates: list[float], floor: list[float] | None, ours: list[float] | None
) -> Figures:
    to_floor = None if floor is None else _ratios(rates, floor)
    return Figures(
        statistics.median(rates),
        _quartiles(rates),
        statistics.median(one.deliveries / one.wall for one in spent),
        statistics.median(one.crowd_cpu / one.wall for one in spent),
        statistics.median(one.segments / one.deliveries for one in spent),
        statistics.median(one.bytes / one.deliveries for one in spent),
        None if to_floor is None else statistics.median(to_floor),
        None if to_floor is None else _quartiles(to_floor),
        None if ours is None else statistics.median(_ratios(ours, rates)),
    )


def _ratios(rates: list[float], others: list[float]) -> list[float]:
    """In each round."""
    return [rate / other for rate, other in zip(rates, others, strict=True)]


def _quartiles(values: list[float]) -> tuple[float, float]:
    low, _, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return low, high


def _rate(spent: Spent) -> float:
    return spent.deliveries / spent.server_cpu


# The columns of a table of them, and what stands in each.
_COLUMNS: Final[dict[str, Callable[[Figures], str]]] = {
    "median": lambda one: f"{one.per_cpu_second:,.0f}",
    "quartiles": lambda one: "{:,.0f}-{:,.0f}".format(*one.spread),
    "to the floor": lambda one: _or_nothing(one.to_floor),
    "its quartiles": lambda one: "-".join(map(_or_nothing, one.to_floor_spread or ())),
    "ours to it": lambda one: _or_nothing(one.ours),
    "per second": lambda one: f"{one.per_second:,.0f}",
    "writes": lambda one: f"{one.writes_per_delivery:.3f}",
    "bytes": lambda one: f"{one.bytes_per_delivery:.0f}",
    "crowd": lambda one: f"{one.crowd_share:.0%}",
}


def show_deliveries(title: str, found: dict[str, Figures]) -> None:
    """Print them as a table."""
    rows = [(name, *(say(one) for say in _COLUMNS.values())) for name, one in found.items()]
    show_table(f"{title}: deliveries per CPU second of the server", ("peer", *_COLUMNS), rows)


def _or_nothing(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.2f}"


def plot_deliveries(name: str, found: dict[str, dict[str, Figures]]) -> None:
    """Draw docs/images/NAME.png: a panel for each title."""
    plot(
        name,
        {
            f"{title}: deliveries per CPU second of the server (to the floor)": {
                peer: _bar(one) for peer, one in of.items()
            }
            for title, of in found.items()
        },
    )


def _bar(one: Figures) -> Bar:
    return Bar(one.per_cpu_second, one.spread, _or_nothing(one.to_floor))
