"""`pulse-radar codegen`: the types of an app's events for TypeScript, and a check that clients still understand."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pulse_radar.cli.options import DeclaringAppArgument, OutputOption
from pulse_radar.errors import PulseError, UsageError

if TYPE_CHECKING:
    from pulse_radar.catalogue.changes import Change

__all__ = ["BreaksClients", "codegen"]


class BreaksClients(PulseError):
    """Clients that were compiled with the former types may meet what they were not written for."""


def codegen(
    app: DeclaringAppArgument,
    output: OutputOption = None,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Write nothing; fail where the events would break clients that have this file."
        ),
    ] = False,
) -> None:
    """Write the types of all declared events as TypeScript: unions by topic, exact names."""
    # Here, so that other commands start without pydantic's schemas.
    from pulse_radar.catalogue.changes import changes
    from pulse_radar.catalogue.typescript import read_catalogue, to_typescript
    from pulse_radar.cli.declared_by import declared_by

    if check and output is None:
        raise UsageError("--check needs the file to compare with: -o events.ts")
    declared = declared_by(app)
    text = to_typescript(declared, app)
    if output is None:
        typer.echo(text, nl=False)
        return
    former = output.read_text(encoding="utf-8") if output.exists() else None
    if check and former is None:
        raise UsageError(f"{output} is not there: write it with pulse-radar codegen {app} -o {output}")
    if former == text:
        typer.echo(f"{output} is up to date")
        return
    found = [] if former is None else changes(read_catalogue(former), declared)
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
