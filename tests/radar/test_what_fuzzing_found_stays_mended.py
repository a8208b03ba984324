"""Defects of the application's routes that a fuzzer found, each as the smallest thing that brought it out."""

from pathlib import Path

import pytest

from tests.radar.api import application


@pytest.mark.parametrize(
    "asked",
    [
        "atoms?before=15766282622629973073",
        "messages?chat_id=-9223372036854775809",
        "jobs?after=9007199254740992",
    ],
)
async def test_a_number_larger_than_any_is_422_and_no_error_of_ours(tmp_path: Path, asked: str) -> None:
    async with application(tmp_path) as (_, client):
        base = "http://localhost" if asked.startswith("jobs") else "http://localhost/api"
        assert (await client.get(f"{base}/{asked}")).status_code == 422
