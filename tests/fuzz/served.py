"""A real server in a thread of its own, to be attacked by one that waits: what goes wrong in it is kept."""

import asyncio
import contextlib
import logging
import socket
import threading
from collections.abc import Iterator
from typing import Final

import uvicorn
from fastapi import FastAPI

from pulse_radar.server.uvicorn_http import PulseHttpProtocol
from pulse_radar.server.uvicorn_protocol import PulseWebSocketProtocol
from tests.server.serving import Server

# For a machine that is busy with other things.
PATIENCE: Final = 60.0


class Errors(logging.Handler):
    """What is logged as an error while it is on: an attack may be refused, and must not bring out a traceback."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(logging.Formatter().format(record))


class Served:
    """An app on loopback."""

    def __init__(self, port: int, errors: Errors) -> None:
        self.port = port
        self.errors = errors

    def say(self, *pieces: bytes, after: bytes = b"") -> bytes:
        """Send these, one after the other, on a connection of its own; answer all that came back to its end.

        `after`: what has to come before the last of them are sent.
        """
        with socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE) as client:
            said = bytearray()
            with contextlib.suppress(ConnectionError):
                first, *others = pieces
                client.sendall(first)
                while after and after not in said:
                    more = client.recv(65_536)
                    if not more:
                        return bytes(said)
                    said += more
                for piece in others:
                    client.sendall(piece)
                with contextlib.suppress(OSError):
                    # It may have been reset already.
                    client.shutdown(socket.SHUT_WR)
                while more := client.recv(65_536):
                    said += more
            return bytes(said)

    def check(self) -> None:
        """Nothing went wrong inside, and others are served."""
        assert not self.errors.texts, "\n".join(self.errors.texts)
        assert self.say(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@contextlib.contextmanager
def served(app: FastAPI) -> Iterator[Served]:
    errors = Errors()
    config = uvicorn.Config(
        app,
        port=0,
        ws=PulseWebSocketProtocol,
        http=PulseHttpProtocol,
        log_config=None,
        timeout_graceful_shutdown=3,
    )
    server = Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve()), name="attacked server")
    loggers = [logging.getLogger(name) for name in ("uvicorn.error", "pulse_radar", "asyncio")]
    for logger in loggers:
        logger.addHandler(errors)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), errors.texts
            threading.Event().wait(0.01)
        yield Served(server.port, errors)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        for logger in loggers:
            logger.removeHandler(errors)
