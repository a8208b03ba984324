"""What is sent to the application is read whole, so it has a bound; an upload goes to the disk and has another."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.radar.api import application

MANY = 100


async def endless(sent: list[int]) -> AsyncIterator[bytes]:
    for number in range(MANY):
        sent.append(number)
        yield b"[" * 64 * 1024


@pytest.mark.parametrize("path", ["tasks", "agents", "providers"])
async def test_a_body_without_end_is_413_before_it_has_come(tmp_path: Path, path: str) -> None:
    async with application(tmp_path) as (_, client):
        sent: list[int] = []
        answer = await client.post(path, content=endless(sent), headers={"Content-Type": "application/json"})
        assert answer.status_code == 413
        assert len(sent) < MANY


async def test_an_upload_may_be_larger(tmp_path: Path) -> None:
    async with application(tmp_path) as (_, client):
        sent: list[int] = []
        answer = await client.post("ingestions", content=endless(sent))
        # It is no export.
        assert answer.status_code == 422
        assert len(sent) == MANY
