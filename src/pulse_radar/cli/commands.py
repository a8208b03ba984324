"""All commands together: what is common to them, and how an error is told."""

import sys
from collections.abc import Sequence
from typing import Annotated, Final

import typer

import pulse_radar
from pulse_radar.cli.asyncapi import asyncapi
from pulse_radar.cli.backup import backup, restore
from pulse_radar.cli.codegen import codegen
from pulse_radar.cli.demo import demo
from pulse_radar.cli.doctor import doctor
from pulse_radar.cli.ingest import ingest
from pulse_radar.cli.publish import delete, publish
from pulse_radar.cli.serve import serve
from pulse_radar.cli.serve_worker import serve_worker
from pulse_radar.cli.tail import tail
from pulse_radar.cli.telegram import telegram
from pulse_radar.cli.topics import topics
from pulse_radar.cli.worker import worker
from pulse_radar.errors import PulseError, UsageError

__all__ = ["app", "main"]

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130  # 128 and SIGINT, as a shell says it


app: Final = typer.Typer(
    name="pulse-radar",
    help="Live updates: serve them, publish them, follow them; and the Pulse Radar application.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
_COMMANDS: Final = (serve, worker, demo, doctor, ingest, telegram, publish, delete, tail, codegen, asyncapi)
_NAMES: Final = {*(command.__name__ for command in _COMMANDS), "topics"}

for command in _COMMANDS:
    app.command()(command)
app.command(hidden=True)(serve_worker)
topics.command()(backup)
topics.command()(restore)
app.add_typer(topics, name="topics")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that the arguments name, and exit.

    An expected error is told in one line on stderr; the code says whose fault it is.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(given, prog_name="pulse-radar", standalone_mode=False)
    except typer.TyperException as error:
        code = _tell(f"{error.format_message()} Try: pulse-radar {_command(given)}--help", MISUSED)
    except PulseError as error:
        if "--debug" in given:
            raise
        code = _tell(str(error), MISUSED if isinstance(error, UsageError) else FAILED)
    except (typer.Abort, KeyboardInterrupt):
        code = INTERRUPTED
    sys.exit(code if isinstance(code, int) else 0)


def say_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"pulse-radar {pulse_radar.__version__}")
        raise typer.Exit


@app.callback()
def everywhere(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=say_version, help="Say the version, and end."),
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show where an error came from.")] = False,
) -> None:
    """Options of all commands. `debug` is read by those that log."""


def _tell(text: str, code: int) -> int:
    typer.echo(f"error: {text}", err=True)
    return code


def _command(given: Sequence[str]) -> str:
    name = next((word for word in given if not word.startswith("-")), None)
    return f"{name} " if name in _NAMES else ""
