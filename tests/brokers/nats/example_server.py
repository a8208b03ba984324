"""A nats-server with the configuration of examples/nats, as it stands but for its address and its files."""

import asyncio
import contextlib
import os
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, Self

import nats.errors
import trustme
from nats.aio.client import Client

from pulse_radar import Settings
from pulse_radar.testing.nats_server import _binary, free_port

EXAMPLE: Final = Path(__file__).parents[3] / "examples" / "nats" / "nats-server.conf"

PASSWORDS: Final = {user: f"the-password-of-{user}" for user in ("publisher", "worker", "api")}

_READY_SECONDS: Final = 10.0


class ExampleServer:
    """Where it is, and how each of its users comes to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"tls://127.0.0.1:{self.port}"
        self.ca = directory / "ca.pem"
        authority = trustme.CA()
        certificate = authority.issue_cert("127.0.0.1")
        authority.cert_pem.write_to_path(self.ca)
        certificate.cert_chain_pems[0].write_to_path(directory / "server.pem")
        certificate.private_key_pem.write_to_path(directory / "server.key")

    @property
    def config(self) -> Path:
        text = EXAMPLE.read_text()
        for written, other in {
            "0.0.0.0:4222": f"127.0.0.1:{self.port}",
            "/var/lib/nats": str(self.directory / "data"),
            "/etc/nats/server.pem": str(self.directory / "server.pem"),
            "/etc/nats/server.key": str(self.directory / "server.key"),
        }.items():
            assert text.count(f'"{written}"') == 1
            text = text.replace(written, other)
        path = self.directory / "nats-server.conf"
        path.write_text(text)
        return path

    @property
    def log(self) -> str:
        return (self.directory / "server.log").read_text()

    def environment(self, user: str) -> dict[str, str]:
        """What a process of this user is given."""
        return {
            "PULSE_BROKER": self.url,
            "PULSE_NATS_USER": user,
            "PULSE_NATS_PASSWORD": PASSWORDS[user],
            "PULSE_NATS_INBOX_PREFIX": f"_INBOX_{user}",
            "PULSE_NATS_TLS_CA": str(self.ca),
        }

    def settings(self, user: str, **more: object) -> Settings:
        given = {name.removeprefix("PULSE_").lower(): value for name, value in self.environment(user).items()}
        return Settings.load(**(given | more))

    def hand(self, user: str) -> "Hand":
        return Hand(self, user)


class Hand:
    """A user with a bare client in hand, who tries what no program of ours would."""

    def __init__(self, server: ExampleServer, user: str) -> None:
        self._server = server
        self._user = user
        self._client = Client()
        # In lower case, as the library tells it.
        self._refused: set[str] = set()

    async def __aenter__(self) -> Self:
        await self._client.connect(
            self._server.url,
            user=self._user,
            password=PASSWORDS[self._user],
            tls=ssl.create_default_context(cafile=self._server.ca),
            inbox_prefix=f"_INBOX_{self._user}",
            error_cb=self._note,
            allow_reconnect=False,
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def may_publish(self, subject: str, headers: dict[str, str] | None = None) -> bool:
        """Whether the server takes it."""
        await self._client.publish(subject, b"{}", headers=headers)
        return await self._was_let(subject)

    async def may_hear(self, subject: str) -> bool:
        subscription = await self._client.subscribe(subject)
        try:
            return await self._was_let(subject)
        finally:
            with contextlib.suppress(nats.errors.Error):
                await subscription.unsubscribe()

    async def asks(
        self, subject: str, payload: bytes = b"{}", headers: dict[str, str] | None = None
    ) -> bytes:
        """The answer to a request."""
        return (await self._client.request(subject, payload, timeout=5, headers=headers)).data

    async def _was_let(self, subject: str) -> bool:
        # The server answers in order: with the pong everything before it is judged. The library tells of a refusal
        # from a task of its own, which has run by the time that another pong is here.
        for _ in range(2):
            await self._client.flush()
        return subject.lower() not in self._refused

    async def _note(self, error: Exception) -> None:
        refused = re.search('permissions violation for \\w+ to "([^"]+)"', str(error), re.IGNORECASE)
        if refused:
            self._refused.add(refused[1].lower())


@asynccontextmanager
async def example_server(directory: Path) -> AsyncIterator[ExampleServer]:
    server = ExampleServer(directory)
    passwords = {f"{user.upper()}_PASSWORD": password for user, password in PASSWORDS.items()}
    process = await asyncio.create_subprocess_exec(
        _binary(),
        *("-c", str(server.config), "-l", str(directory / "server.log")),
        env=os.environ | passwords,
    )
    try:
        async with asyncio.timeout(_READY_SECONDS):
            while not await _greets(server.port):
                assert process.returncode is None, server.log
                await asyncio.sleep(0.01)
        yield server
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _greets(port: int) -> bool:
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    greeting = await reader.readline()
    writer.close()
    return greeting.startswith(b"INFO")
