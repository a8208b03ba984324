"""Defects that the harness of faults found, each as the smallest thing that brings it out."""

import asyncio
import contextlib

import pytest
from starlette.requests import HTTPConnection

from tests.server.serving import Client, app_with, make_pulse, serving
from tests.server.test_what_attacks_found_stays_mended import HANDSHAKE


async def test_a_handshake_under_way_when_the_process_ends_is_refused_for_a_while(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It was answered with 500, which looks like a defect, and the endpoint's own refusal failed."""
    asked, answered = asyncio.Event(), asyncio.Event()

    async def authenticate(_connection: HTTPConnection) -> str:
        asked.set()
        await answered.wait()
        return "somebody"

    async with serving(app_with(make_pulse(authenticate=authenticate))) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(HANDSHAKE)
        await asked.wait()
        server.should_exit = True
        answer = await reader.read()
        answered.set()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: " in answer.lower()
    assert "Exception" not in capsys.readouterr().err


async def test_a_refused_client_is_no_error_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(app_with(make_pulse())) as server:
        with pytest.raises(Exception, match="403"):
            async with Client(server.port, origin="https://elsewhere.example"):
                pass
    assert capsys.readouterr().err == ""
