"""uvicorn as `serve` runs it: with our WebSocket protocol, and an end that nobody can hold up."""

import contextlib
import functools
import logging
import socket
from collections.abc import Callable
from typing import Any, Final

import typer
import uvicorn
from uvicorn.supervisors import ChangeReload

from pulse_radar.cli.apps import raising_told
from pulse_radar.cli.logs import configure_logs, log_config
from pulse_radar.cli.open_files import make_room
from pulse_radar.server.places import ConnectionBounds, Places
from pulse_radar.server.proxies import TrustedProxies
from pulse_radar.server.request_pace import HttpBounds
from pulse_radar.server.sockets import Sockets
from pulse_radar.server.uvicorn_http import PulseHttpProtocol
from pulse_radar.server.uvicorn_protocol import PulseWebSocketProtocol
from pulse_radar.server.uvicorn_server import DrainingServer
from pulse_radar.settings import Settings

__all__ = ["ServeConfig", "announce", "run_server"]

_log: Final = logging.getLogger("pulse_radar.cli")

# After this uvicorn cuts off what still runs. Our own connections have ended after half of it.
_SHUTDOWN_SECONDS: Final = 1


class ServeConfig(uvicorn.Config):
    """uvicorn's, whose app, and whose log of requests, see the clients behind the proxies that are trusted."""

    def load_app(self) -> Any:
        # Whoever changes code sees the traceback, from the process that is started again.
        with contextlib.nullcontext() if self.should_reload else raising_told(str(self.app)):
            return super().load_app()

    def load(self) -> None:
        super().load()
        settings = Settings.load()
        proxies = TrustedProxies(settings.trusted_proxies)
        self.loaded_app = proxies.in_front_of(self.loaded_app)
        places = Places(ConnectionBounds.from_settings(settings))
        # uvicorn calls it as it would call a class.
        self.http_protocol_class = functools.partial(  # type: ignore[assignment]
            PulseHttpProtocol, bounds=HttpBounds.from_settings(settings), sockets=Sockets(places, proxies)
        )


def announce(listener: socket.socket, *, workers: int, debug: bool) -> None:
    """Say where it is served, and by how many processes; they find room for their connections."""
    configure_logs(debug=debug)
    make_room(Settings.load().max_connections)
    host, port = listener.getsockname()[:2]
    by = "" if workers == 1 else f" by {workers} processes"
    _log.info("serving http://%s:%d%s (Ctrl-C ends it)", f"[{host}]" if ":" in host else host, port, by)


def run_server(
    app: str,
    listener: socket.socket,
    *,
    is_factory: bool,
    debug: bool,
    reload: bool = False,
    on_serving: Callable[[], None] = lambda: None,
) -> None:
    """Serve the app until a signal ends it. Raises: typer.Exit, when it does not start."""
    host, port = listener.getsockname()[:2]
    config = ServeConfig(
        app,
        factory=is_factory,
        host=host,
        port=port,
        reload=reload,
        ws=PulseWebSocketProtocol,
        http=PulseHttpProtocol,
        # Compression costs tens of kilobytes a connection, and heartbeats are our own.
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        # It would believe whoever is on this machine; ours believes those that are named.
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
        log_config=log_config(debug=debug),
    )
    try:
        if config.should_reload:
            # Whoever changes code is not kept waiting: nobody is drained.
            ChangeReload(config, target=uvicorn.Server(config).run, sockets=[listener]).run()
        else:
            DrainingServer(config, on_serving).run(sockets=[listener])
    except KeyboardInterrupt:
        # It was asked to end, and it has ended: uvicorn only passes the signal on.
        return
    except SystemExit as end:
        raise typer.Exit(1 if end.code else 0) from None
