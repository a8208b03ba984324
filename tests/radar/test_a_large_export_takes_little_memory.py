"""An export is ingested in memory that does not grow with it: 50 MB, and behind the slow marker 1 GB."""

import asyncio
import json
import sys

import pytest

# 540 bytes a message, generated.
MESSAGES_OF_50_MB = 93_000


@pytest.mark.slow
@pytest.mark.parametrize("factor", [1, 20])
@pytest.mark.timeout(7200)
async def test_a_large_export_takes_little_memory(factor: int) -> None:
    command = (sys.executable, "-m", "benchmarks.ingestion", "--messages", str(MESSAGES_OF_50_MB * factor))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    said, _ = await process.communicate()
    found = json.loads(said)
    assert found["megabytes"] >= 50 * factor
    assert found["memory_megabytes"] < 300
