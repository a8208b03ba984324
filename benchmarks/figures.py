"""What deliveries cost each peer: medians over the rounds, and beside the floor's in the same round."""

import statistics

import msgspec

from benchmarks.arena import Spent
from benchmarks.peers.table import FLOOR
from benchmarks.plots import plot
from benchmarks.results import show_table

__all__ = ["Figures", "figures", "plot_deliveries", "show_deliveries"]


class Figures(msgspec.Struct, frozen=True):
    """Of one peer, medians over the rounds. `spread`: quartiles of the first; `to_floor`: None without a floor."""

    per_cpu_second: float
    spread: tuple[float, float]
    per_second: float
    crowd_share: float
    writes_per_delivery: float
    bytes_per_delivery: float
    to_floor: float | None


def figures(spent: dict[str, list[Spent]]) -> dict[str, Figures]:
    """By peer, of what it spent in each round."""
    floor = spent.get(FLOOR)
    return {name: _figures(own, floor) for name, own in spent.items()}


def _figures(spent: list[Spent], floor: list[Spent] | None) -> Figures:
    rates = list(map(_rate, spent))
    quartiles = statistics.quantiles(rates, n=4) if len(rates) > 1 else rates * 3
    ratios = [rate / _rate(low) for rate, low in zip(rates, floor, strict=True)] if floor else None
    return Figures(
        statistics.median(rates),
        (quartiles[0], quartiles[2]),
        statistics.median(one.deliveries / one.wall for one in spent),
        statistics.median(one.crowd_cpu / one.wall for one in spent),
        statistics.median(one.segments / one.deliveries for one in spent),
        statistics.median(one.bytes / one.deliveries for one in spent),
        None if ratios is None else statistics.median(ratios),
    )


def _rate(spent: Spent) -> float:
    return spent.deliveries / spent.server_cpu


def show_deliveries(title: str, found: dict[str, Figures]) -> None:
    """Print them as a table."""
    show_table(
        f"{title}: deliveries per CPU second of the server",
        ("peer", "median", "quartiles", "to the floor", "per second", "writes", "bytes", "crowd busy"),
        [(name, *_row(one)) for name, one in found.items()],
    )


def _row(one: Figures) -> tuple[str, ...]:
    return (
        f"{one.per_cpu_second:,.0f}",
        f"{one.spread[0]:,.0f}-{one.spread[1]:,.0f}",
        "" if one.to_floor is None else f"{one.to_floor:.2f}",
        f"{one.per_second:,.0f}",
        f"{one.writes_per_delivery:.3f}",
        f"{one.bytes_per_delivery:.0f}",
        f"{one.crowd_share:.0%}",
    )


def plot_deliveries(name: str, found: dict[str, dict[str, Figures]]) -> None:
    """Draw docs/images/NAME.png: a panel for each title."""
    plot(
        name,
        {
            f"{title}: deliveries per CPU second": {peer: one.per_cpu_second for peer, one in of.items()}
            for title, of in found.items()
        },
    )
