"""`pulse-radar serve-worker`: one of the processes of `pulse-radar serve --workers`, which alone starts it."""

import os
import socket
import sys
from typing import Annotated

import typer

from pulse_radar.cli.lifeline import hold_lifeline

__all__ = ["serve_worker"]


def serve_worker(
    context: typer.Context,
    app: Annotated[str, typer.Argument()],
    listener: Annotated[int, typer.Option()],
    factory: Annotated[bool, typer.Option("--factory")] = False,
) -> None:
    """Serve the app on a socket that the parent bound, and say on the lifeline once it does."""
    from pulse_radar.cli.apps import prefer_working_directory
    from pulse_radar.cli.serving import run_server

    prefer_working_directory()
    hold_lifeline()
    debug = bool(context.parent and context.parent.params["debug"])
    with socket.socket(fileno=listener) as bound:
        run_server(app, bound, is_factory=factory, debug=debug, on_serving=_say_so)


def _say_so() -> None:
    os.write(sys.stdin.fileno(), b"!")
