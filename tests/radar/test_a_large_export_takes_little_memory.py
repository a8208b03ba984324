"""An export is ingested in memory that does not grow with it: 50 MB, and behind the slow marker 1 GB."""

import asyncio
import json
import sys

import pytest

# 540 bytes a message, generated.
MESSAGES_OF_50_MB = 93_000


async def test_50_mb_are_parsed_and_stored_in_little_memory() -> None:
    await takes_little_memory("parse-and-store", factor=1)


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1, 20])
@pytest.mark.timeout(7200)
async def test_a_large_export_takes_little_memory(factor: int) -> None:
    await takes_little_memory("all", factor)


async def takes_little_memory(what: str, factor: int) -> None:
    messages = str(MESSAGES_OF_50_MB * factor)
    command = (sys.executable, "-m", "benchmarks.ingestion", "--messages", messages, "--what", what)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found = json.loads(said)
    assert found["megabytes"] >= 50 * factor
    assert found["memory_megabytes"] < 300
