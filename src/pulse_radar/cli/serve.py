"""`pulse-radar serve`: the application, or an app of one's own, over HTTP and WebSocket."""

from typing import Annotated, Final

import typer

from pulse_radar.brokers.opening import open_broker
from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.lifeline import hold_lifeline
from pulse_radar.cli.listening import bind, exposure, is_loopback
from pulse_radar.cli.options import (
    DEFAULT_BROKER,
    DataDirOption,
    NamespaceOption,
    PortOption,
    broker_option,
    default_of,
)
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import CommandSettings, Settings

__all__ = ["serve"]

_RADAR: Final = "pulse_radar.radar.app:create_app"


def serve(
    context: typer.Context,
    app: Annotated[
        str | None,
        typer.Argument(metavar="MODULE:APP", help="Your own app, as in main:app; else the application."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(envvar="PULSE_HOST", show_default=default_of("host"), help="The address to listen on."),
    ] = None,
    port: PortOption = None,
    workers: Annotated[
        int, typer.Option(min=1, help="How many processes answer on the port; memory:// is for one.")
    ] = 1,
    reload: Annotated[bool, typer.Option("--reload", help="Start again when the code changes.")] = False,
    insecure: Annotated[
        bool | None,
        typer.Option(
            "--insecure",
            envvar="PULSE_INSECURE",
            show_default=False,
            help="Let others than this machine read everything.",
        ),
    ] = None,
    broker: Annotated[
        str | None, broker_option(f"{DEFAULT_BROKER}; {default_of('broker')} for your own app")
    ] = None,
    data_dir: DataDirOption = None,
    namespace: NamespaceOption = None,
    lifeline: Annotated[bool, typer.Option("--lifeline", hidden=True)] = False,
) -> None:
    """Serve the live layer: the application with its page at /, or your own app. Ctrl-C ends it.

    Your own app says itself where its events are kept: on memory://, if neither it nor --broker says otherwise.
    """
    # Here, so that commands that serve nothing start without a server.
    from pulse_radar.cli.apps import hand_down, prefer_working_directory
    from pulse_radar.cli.crew import run_crew
    from pulse_radar.cli.serving import announce, run_server

    if reload and workers > 1:
        raise InvalidSetting("--reload is for one process: leave --workers out")
    if app is None:
        need_radar()
        broker = broker or DEFAULT_BROKER
        # Not entered: it only says whether there is such a broker.
        open_broker(Settings.load(broker=broker, data_dir=data_dir, namespace=namespace), is_owner=True)
    else:
        prefer_working_directory()
    hand_down(broker=broker, data_dir=data_dir, namespace=namespace)
    settings = CommandSettings.load(host=host, port=port, insecure=insecure)
    if not (settings.insecure or is_loopback(settings.host) or (app is not None and _authenticates(app))):
        raise exposure(settings.host)
    debug = bool(context.parent and context.parent.params["debug"])
    with bind(settings.host, settings.port) as listener:
        if lifeline:
            hold_lifeline()
        announce(listener, workers=workers, debug=debug)
        if workers == 1:
            run_server(app or _RADAR, listener, is_factory=app is None, debug=debug, reload=reload)
        else:
            run_crew(workers, _worker(app, debug=debug), listener)


def _worker(app: str | None, *, debug: bool) -> list[str]:
    """The command of one of several processes; its settings were handed down."""
    options = ["--debug"] if debug else []
    return [*options, "serve-worker", *([_RADAR, "--factory"] if app is None else [app])]


def _authenticates(app: str) -> bool:
    """Whether every live layer in this app asks who is there: one that does not is open to everybody."""
    from pulse_radar.cli.apps import find_pulses

    pulses = find_pulses(app)
    return bool(pulses) and all(pulse.authenticates for pulse in pulses)
