"""`pulse-radar serve`: the application, or an app of one's own, over HTTP and WebSocket."""

import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from pulse_radar.brokers.opening import open_broker
from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.lifeline import hold_lifeline
from pulse_radar.cli.listening import bind, exposure, is_loopback
from pulse_radar.cli.options import BrokerOption, DataDirOption, NamespaceOption, load_settings

__all__ = ["serve"]

_RADAR: Final = "pulse_radar.radar.app:create_app"


def serve(
    context: typer.Context,
    app: Annotated[
        str | None,
        typer.Argument(metavar="[MODULE:APP]", help="Your own app, as in main:app; else the application."),
    ] = None,
    host: Annotated[str, typer.Option(envvar="PULSE_HOST", help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(envvar="PULSE_PORT", min=0, max=65535, help="The port.")] = 8000,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when the code changes.")] = False,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure", envvar="PULSE_INSECURE", help="Let others than this machine read everything."
        ),
    ] = False,
    broker: BrokerOption = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
    lifeline: Annotated[bool, typer.Option("--lifeline", hidden=True)] = False,
) -> None:
    """Serve the live layer: the application with its page at /, or your own app. Ctrl-C ends it."""
    # Here, so that commands that serve nothing start without a server.
    from pulse_radar.cli.serving import authenticates, run_server

    if app is None:
        need_radar()
        settings = load_settings(broker, data_dir, namespace)
        broker = settings.broker
        # Not entered: it only says whether there is such a broker.
        open_broker(settings, is_owner=True)
    else:
        # As `uvicorn` and `python -m` do.
        sys.path.insert(0, "")
    if not (insecure or is_loopback(host) or (app is not None and authenticates(app))):
        raise exposure(host)
    listener = bind(host, port)
    _hand_down(broker, data_dir, namespace)
    if lifeline:
        hold_lifeline()
    debug = bool(context.parent and context.parent.params["debug"])
    run_server(app or _RADAR, listener, is_factory=app is None, reload=reload, debug=debug)


def _hand_down(broker: str | None, data_dir: Path | None, namespace: str | None) -> None:
    """Leave the settings in the environment, where the app, or its reloaded process, reads them."""
    given = {"PULSE_BROKER": broker, "PULSE_DATA_DIR": data_dir, "PULSE_NAMESPACE": namespace}
    os.environ.update({name: str(value) for name, value in given.items() if value is not None})
