"""`connect(ssl=…)`: a server whose certificate no system trusts by itself."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme

import pulse_radar
from pulse_radar import InvalidSetting, Pulse, Unreachable
from pulse_radar.protocol.frames import EventFrame
from tests.server.serving import app_with, make_pulse, serving


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@asynccontextmanager
async def encrypted(authority: trustme.CA, directory: Path) -> AsyncIterator[tuple[Pulse, str]]:
    """A server whose certificate this authority signed, and its address."""
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    key, chain = directory / "key.pem", directory / "chain.pem"
    certificate.private_key_pem.write_to_path(key)
    certificate.cert_chain_pems[0].write_to_path(chain)
    pulse = make_pulse()
    async with serving(app_with(pulse), ssl_keyfile=key, ssl_certfile=chain) as server:
        yield pulse, f"https://127.0.0.1:{server.port}"


async def test_events_come_over_wss_from_whom_the_context_trusts(
    authority: trustme.CA, tmp_path: Path
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    async with (
        encrypted(authority, tmp_path) as (pulse, url),
        pulse_radar.connect(url, topics="knowledge", last=0, ssl=trusting) as events,
    ):
        place = await pulse.publish("knowledge", "atom_created", {"id": "a1"})
        async for event in events:
            if isinstance(event, EventFrame):
                assert (event.sequence, event.data) == (place.sequence, {"id": "a1"})
                break


async def test_who_is_not_trusted_is_told_apart_from_who_is_not_there(
    authority: trustme.CA, tmp_path: Path
) -> None:
    async with encrypted(authority, tmp_path) as (_, url):
        with pytest.raises(Unreachable, match="is not to be trusted .* `ssl` context"):
            async with pulse_radar.connect(url, topics="knowledge"):
                pass


async def test_a_file_of_the_environment_is_heeded(
    authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    async with (
        encrypted(authority, tmp_path) as (_, url),
        pulse_radar.connect(url, topics="knowledge") as events,
    ):
        assert events.stats().state == "open"


def test_a_context_for_what_is_not_encrypted_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="write wss:// or https://"):
        pulse_radar.connect("http://localhost:8000", ssl=ssl.create_default_context())
