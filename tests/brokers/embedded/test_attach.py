"""Attaching without owning, and not attaching to strangers."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from pulse_radar.brokers.embedded import attach
from pulse_radar.brokers.embedded.kept import Kept
from pulse_radar.brokers.embedded.probe import is_answering
from pulse_radar.brokers.embedded.store import Store
from pulse_radar.errors import BrokerRefused, BrokerUnavailable

from .processes import freeze, pid_of, server, store_event


async def test_attaching_answers_the_address_of_the_owner(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        url = await attach(tmp_path)
        assert url == owned.url
        assert await store_event(url, "hello") == 1


async def test_attaching_where_nobody_ever_served_says_how_to_start(tmp_path: Path) -> None:
    directory = tmp_path / "nothing"
    with pytest.raises(
        BrokerUnavailable,
        match=r"no embedded server runs in .*/nothing: start the app with PULSE_BROKER=embedded://",
    ):
        await attach(directory, wait_seconds=0)
    assert not directory.exists()


async def test_attaching_where_nobody_serves_any_more_says_how_to_start(tmp_path: Path) -> None:
    async with server(tmp_path):
        pass
    with pytest.raises(BrokerUnavailable, match="no embedded server runs in"):
        await attach(tmp_path, wait_seconds=0)


async def test_attaching_waits_for_a_server_that_starts(tmp_path: Path) -> None:
    attaching = asyncio.create_task(attach(tmp_path, wait_seconds=10))
    await asyncio.sleep(0.05)
    async with server(tmp_path) as owned:
        assert await attaching == owned.url


async def test_attaching_to_a_server_that_hangs_names_its_process(tmp_path: Path) -> None:
    async with server(tmp_path):
        hung = pid_of(tmp_path)
        await freeze(hung)
        with pytest.raises(BrokerUnavailable, match=f"process {hung} holds .* does not answer"):
            await attach(tmp_path, wait_seconds=0)
        os.kill(hung, signal.SIGCONT)


async def test_a_stranger_without_the_token_is_turned_away(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        reader, writer = await asyncio.open_connection("127.0.0.1", owned.port)
        writer.write(b"CONNECT {}\r\nPING\r\n")
        assert b"-ERR 'Authorization Violation'" in await reader.read()
        writer.close()
        await writer.wait_closed()


async def test_the_server_of_another_directory_is_not_ours(tmp_path: Path) -> None:
    async with server(tmp_path) as owned:
        assert not await is_answering(Kept(port=owned.port, token="0" * 48))


@pytest.mark.parametrize("greeting", [b"", b"HTTP/1.1 400 Bad Request\r\n", b"INFO {\r\n", b"x" * 100_000])
async def test_another_program_at_the_port_is_not_ours(greeting: bytes) -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting)
        writer.close()

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as other:
        port = other.sockets[0].getsockname()[1]
        assert not await is_answering(Kept(port=port, token="0" * 48))


async def test_a_port_taken_by_another_program_is_a_clear_error(tmp_path: Path) -> None:
    kept = Store(tmp_path).keep()
    assert kept is not None
    async with await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", kept.port):
        with pytest.raises(
            BrokerRefused, match=rf"another program has its port, 127.0.0.1:{kept.port}\. End"
        ):
            await server(tmp_path).__aenter__()
    async with server(tmp_path) as owned:  # and nothing was changed by it
        assert owned.port == kept.port


async def test_an_owner_beside_a_server_that_hangs_gives_up_in_time(tmp_path: Path) -> None:
    async with server(tmp_path):
        hung = pid_of(tmp_path)
        await freeze(hung)
        with pytest.raises(BrokerUnavailable, match=f"within 1 s: process {hung} holds"):
            await server(tmp_path, start_seconds=1).__aenter__()
        os.kill(hung, signal.SIGCONT)
