"""Stopped, and not dead: no end of a pipe tells of it. It is asked, and after a while given up."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

import pytest

from pulse_radar.brokers.embedded import EmbeddedServer, EmbeddedSettings
from pulse_radar.brokers.embedded.vigil import Silence
from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.testing.broker_contract import Watcher, draft, numbers

from .processes import freeze, is_running, pid_of, until_served_by_another


async def test_what_was_acknowledged_is_there_after_a_stopped_server_was_replaced(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Silence says nothing of one that was never heard.
    heard = asyncio.Event()
    answered = Silence.answered

    def hear(self: Silence, server: int | None) -> None:
        answered(self, server)
        heard.set()

    monkeypatch.setattr(Silence, "answered", hear)
    settings = EmbeddedSettings(directory=tmp_path, silent_seconds=2.0)
    async with EmbeddedServer(settings) as owned, NatsBroker(owned.url) as broker:
        await broker.declare([LogTopic("tasks")])
        async with Watcher(broker, "tasks", 0) as watcher:
            stored = [await broker.store(draft("tasks", str(number))) for number in range(50)]
            await heard.wait()
            stopped = pid_of(tmp_path)
            with caplog.at_level(logging.ERROR):
                await freeze(stopped)
                await until_served_by_another(tmp_path, stopped)
            assert f"server {stopped} in {tmp_path} answers nobody" in caplog.text
            assert not is_running(stopped)
            stored.append(await stored_at_last(broker, "after"))
            assert numbers(await watcher.reaches(stored[-1])) == stored


async def stored_at_last(broker: NatsBroker, event_id: str) -> int:
    """As a publisher does it: again, with the same id, until it is known to be stored."""
    async with asyncio.timeout(20):
        while True:
            with suppress(BrokerUnavailable):
                return await broker.store(draft("tasks", event_id))
            await asyncio.sleep(0.05)


def test_it_is_given_up_when_it_was_asked_in_vain_often_enough() -> None:
    silence = Silence(3)
    silence.answered(7)
    assert [silence.missed(7) for _ in range(3)] == [False, False, True]


def test_an_answer_in_between_begins_the_count_anew() -> None:
    silence = Silence(2)
    silence.answered(7)
    assert not silence.missed(7)
    silence.answered(7)
    assert not silence.missed(7)


def test_one_that_never_answered_may_be_reading_its_store_for_as_long_as_that_takes() -> None:
    silence = Silence(2)
    silence.answered(7)
    assert not any(silence.missed(8) for _ in range(100))
    assert not any(silence.missed(None) for _ in range(100))
