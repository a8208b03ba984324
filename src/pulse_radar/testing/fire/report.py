"""What a run says in the end: a table for a person, the same as JSON, and the account of what was broken."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from pulse_radar.testing.fire.objection import Breach, Objection
from pulse_radar.testing.fire.recovery import Summary

__all__ = ["Report", "show"]

# More of them say the same.
_SHOWN: Final = 20


class Report(msgspec.Struct, frozen=True):
    """Everything about one run."""

    seed: int
    seconds: float
    shape: str
    folder: str
    faults: dict[str, int]
    attempted: int
    acknowledged: int
    unknown: int
    deliveries: int
    connections: int
    resumes: int
    # Connections over server-sent events.
    streams: int
    snapshots: int
    damages: int
    gaps: dict[str, int]
    closes: dict[int, int]
    # API processes that ended at once because the broker was away, and were started again.
    vain_starts: int
    recovery: Summary
    breaches: dict[str, int]
    objections: list[Objection]
    troubles: list[str]

    @property
    def is_kept(self) -> bool:
        """Whether the promise was kept."""
        return not self.objections and not self.troubles


def breaches(objections: Iterable[Objection]) -> dict[str, int]:
    """How many events each breach concerns; zero is said, too."""
    found = Counter({str(breach): 0 for breach in Breach})
    for objection in objections:
        found[str(objection.breach)] += objection.events
    return dict(found)


def show(report: Report, console: Console) -> None:
    """The verdict table, and after it the account."""
    table = Table(
        title=f"seed {report.seed}, {report.seconds:g} s, {report.shape}",
        title_justify="left",
        show_header=False,
    )
    table.add_column("")
    table.add_column("", justify="right")
    _rows(table, {f"{kind}": count for kind, count in sorted(report.faults.items())})
    _rows(table, {"faults survived": sum(report.faults.values())}, style="bold")
    _rows(
        table,
        {
            "events published": report.attempted,
            "… acknowledged": report.acknowledged,
            "… whose publisher never knew": report.unknown,
            "deliveries": report.deliveries,
            "connections": report.connections,
            "… that resumed": report.resumes,
            "… over server-sent events": report.streams,
            "slow clients sent away, and back": report.closes.get(4000, 0),
            "snapshots": report.snapshots,
            "connections damaged, and noticed": report.damages,
            "API processes that found no broker, and were started again": report.vain_starts,
            **{f"gaps told: {reason}": count for reason, count in sorted(report.gaps.items())},
            **{f"closed with {code}": count for code, count in sorted(report.closes.items())},
        },
    )
    _rows(table, _recovery(report.recovery))
    _rows(table, report.breaches, style="bold")
    console.print(table)
    _account(report, console)


def _recovery(summary: Summary) -> dict[str, object]:
    return {
        "API processes killed, clients of theirs": f"{summary.kills}, {summary.clients}",
        "caught up elsewhere, beyond own pauses: median": f"{summary.median:.2f} s",
        "… longest": f"{summary.longest:.2f} s",
    }


def _rows(table: Table, rows: dict[str, int] | dict[str, object], style: str | None = None) -> None:
    for name, value in rows.items():
        table.add_row(name, f"{value:,}" if isinstance(value, int) else str(value), style=style)
    table.add_section()


def _account(report: Report, console: Console) -> None:
    if report.is_kept:
        console.print("[green]The promise was kept.[/green]")
        return
    console.print(f"[red]The promise was broken.[/red] Logbooks and outputs are kept in {report.folder}")
    for objection in report.objections[:_SHOWN]:
        console.print(str(objection), markup=False, highlight=False)
        for line in objection.around:
            console.print(f"    … {line}", markup=False, highlight=False)
    if len(report.objections) > _SHOWN:
        console.print(f"… and {len(report.objections) - _SHOWN} more")
    for trouble in report.troubles:
        console.print(trouble, markup=False, highlight=False)
