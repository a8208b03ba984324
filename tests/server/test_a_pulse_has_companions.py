"""What runs beside a Pulse begins after it can publish, ends before it, and its failure is the start's."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from pulse_radar import InvalidSetting, Pulse


async def test_a_companion_can_publish_from_its_beginning_to_its_end() -> None:
    pulse = Pulse("memory://")
    pulse.topic("tasks")
    told: list[str] = []

    @asynccontextmanager
    async def companion() -> AsyncIterator[None]:
        await pulse.publish("tasks", "began")
        told.append("began")
        yield
        told.append("ended")

    pulse.accompany(companion)
    for _ in range(2):
        assert not pulse.is_running
        async with pulse:
            assert pulse.is_running
            with pytest.raises(InvalidSetting, match="too late"):
                pulse.accompany(companion)
    assert told == ["began", "ended"] * 2


async def test_a_companion_that_fails_leaves_nothing_running() -> None:
    pulse = Pulse("memory://")

    @asynccontextmanager
    async def companion() -> AsyncIterator[None]:
        raise LookupError("no")
        yield

    pulse.accompany(companion)
    for _ in range(2):
        with pytest.raises(LookupError):
            async with pulse:
                pass
        assert not pulse.is_running
