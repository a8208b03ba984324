"""A file that clients are made from: written, or compared with what would be written."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeAlias

import typer

from pulse_radar.errors import PulseError, UsageError

if TYPE_CHECKING:
    from pulse_radar.catalogue.changes import Change
    from pulse_radar.catalogue.declared import Catalogue

__all__ = ["BreaksClients", "CheckOption", "generate"]

CheckOption: TypeAlias = Annotated[
    bool,
    typer.Option(
        "--check", help="Write nothing; fail where the events would break clients that have this file."
    ),
]


class BreaksClients(PulseError):
    """Clients that were made with the former file may meet what they were not written for."""


def generate(
    text: str,
    output: Path | None,
    declared: "Catalogue",
    read: "Callable[[str], Catalogue]",
    *,
    command: str,
    check: bool,
) -> None:
    """Write the text, or with `check` judge it by the catalogue that `read` finds in what is there."""
    # Here, so that other commands start without pydantic's schemas.
    from pulse_radar.catalogue.changes import changes

    if output is None:
        if check:
            raise UsageError(f"--check needs the file to compare with: pulse-radar {command} --check -o FILE")
        typer.echo(text, nl=False)
        return
    former = output.read_text(encoding="utf-8") if output.exists() else None
    if check and former is None:
        raise UsageError(f"{output} is not there: write it with pulse-radar {command} -o {output}")
    if former == text:
        typer.echo(f"{output} is up to date")
        return
    found = [] if former is None else changes(read(former), declared)
    _tell(found)
    if check:
        _judge(found, output)
    else:
        output.write_text(text, encoding="utf-8")
        typer.echo(f"{output} is written")


def _tell(found: Sequence["Change"]) -> None:
    for change in sorted(found, key=lambda change: not change.is_breaking):
        mark = typer.style("breaks", fg="red") if change.is_breaking else typer.style("adds", fg="green")
        typer.echo(f"{mark}  {change}")


def _judge(found: Sequence["Change"], output: Path) -> None:
    count = sum(change.is_breaking for change in found)
    if count:
        raise BreaksClients(
            f"{count} of {len(found)} changes break clients that have {output}: keep the old shape beside the new "
            "one until they are gone, or write the file anew and release both together"
        )
    typer.echo(f"{output} is behind, and no client breaks: write it anew when it is convenient")
