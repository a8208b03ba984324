"""Somebody in between, who leaves one word out of the server's greeting, is told no password."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from pulse_radar import InvalidSetting, PulseError, Settings
from pulse_radar.brokers.nats import Credentials, NatsBroker
from pulse_radar.radar.jobs.broker import JobBroker
from pulse_radar.radar.jobs.names import JobNames

SECRET = "a-password-of-ours"


class Eavesdropper:
    """Greets as a server without TLS does, and writes down what it is told."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.has_heard = asyncio.Event()
        self.port = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        greeting = {"version": "2.15.1", "max_payload": 1_000_000, "auth_required": True, "jetstream": True}
        writer.write(f"INFO {json.dumps(greeting)}\r\n".encode())
        self.heard += await reader.read(10_000)
        self.has_heard.set()
        writer.close()


@asynccontextmanager
async def eavesdropping() -> AsyncIterator[Eavesdropper]:
    eavesdropper = Eavesdropper()
    async with await asyncio.start_server(eavesdropper.meet, "127.0.0.1", 0) as server:
        eavesdropper.port = server.sockets[0].getsockname()[1]
        yield eavesdropper


OURS = Credentials(user="ada", password=SECRET)
WITH_CONTEXT = Credentials(user="ada", password=SECRET, tls=ssl.create_default_context())


@pytest.mark.parametrize(
    ("scheme", "credentials"), [("tls", OURS), ("nats", WITH_CONTEXT), ("tls", WITH_CONTEXT)]
)
async def test_a_broker_says_no_word_of_its_own(scheme: str, credentials: Credentials) -> None:
    async with eavesdropping() as other:
        with pytest.raises(PulseError):
            async with NatsBroker(f"{scheme}://127.0.0.1:{other.port}", credentials=credentials):
                pass
        assert other.heard[:1] == b"\x16", "it began something else than a handshake of TLS"
        assert SECRET.encode() not in other.heard


async def test_jobs_say_no_word_of_their_own() -> None:
    async with eavesdropping() as other:
        url = f"tls://127.0.0.1:{other.port}"
        jobs = JobBroker(url, JobNames.under(""), asyncio.Event(), **OURS.options)
        starting = asyncio.create_task(jobs.startup())
        await asyncio.wait(
            [starting, asyncio.create_task(other.has_heard.wait())], return_when="FIRST_COMPLETED"
        )
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        assert other.heard[:1] == b"\x16"
        assert SECRET.encode() not in other.heard


async def test_this_eavesdropper_hears_whoever_speaks() -> None:
    async with eavesdropping() as other:
        with contextlib.suppress(PulseError):
            async with NatsBroker(f"nats://127.0.0.1:{other.port}", credentials=OURS):
                pass
        assert SECRET.encode() in other.heard


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"nats_user": "ada"}, "password"),
        ({"nats_password": SECRET}, "password"),
        ({"nats_user": "ada", "nats_password": SECRET, "nats_token": SECRET}, "one way"),
        ({"nats_credentials": "nowhere.creds"}, "cannot read"),
        ({"nats_nkey": "{here}"}, "begins with SU"),
        ({"nats_tls_cert": "{here}"}, "both"),
        ({"nats_tls_ca": "nowhere.pem"}, "TLS files"),
        ({"nats_tls_cert": "{here}", "nats_tls_key": "{here}"}, "TLS files"),
    ],
)
def test_credentials_that_cannot_be_are_refused_at_the_start_without_being_shown(
    given: dict[str, str], says: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    file.write_text(SECRET)
    settings = Settings.load(**{name: value.format(here=file) for name, value in given.items()})
    with pytest.raises(InvalidSetting, match=says) as refused:
        Credentials.of(settings)
    assert SECRET not in f"{refused.value} {settings!r} {OURS!r}"
