"""One batch on its way from the outbox to the broker: in its order, together where that may be, each event once."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

import msgspec

from pulse_radar.errors import EventTooLarge, InvalidEvent, InvalidKey, InvalidTopic
from pulse_radar.outbox.doubt import Destination, Doubt
from pulse_radar.outbox.ledger import Noted, Waiting
from pulse_radar.outbox.obstacles import NOT_NOW, Obstacles

__all__ = ["Round", "Tally"]

_log: Final = logging.getLogger("pulse_radar.outbox")

# What goes in one go. All else on the connection waits behind it.
_TOGETHER_BYTES: Final = 1024 * 1024

# What no broker and no later time will take.
_NEVER: Final = (EventTooLarge, InvalidEvent, InvalidKey, InvalidTopic)


class Tally(msgspec.Struct):
    """Events that a relay published, that it found published already, and that nobody takes."""

    published: int = 0
    recovered: int = 0
    refused: int = 0


class Round:
    """Publishes a batch. `noted` is what became of it so far.

    Raises: BrokerError, TimeoutError; then the outcome of one event is not known.
    """

    def __init__(
        self,
        destination: Destination,
        obstacles: Obstacles,
        tally: Tally,
        *,
        until: float,
        is_ending: Callable[[], bool],
    ) -> None:
        """`until`: monotonic seconds, after which nothing is begun, nor once the relay `is_ending`."""
        self._destination = destination
        self._obstacles = obstacles
        self._tally = tally
        self._until = until
        self._is_ending = is_ending
        self.noted = Noted()

    async def recover(self, batch: Iterable[Waiting], doubt: Doubt) -> None:
        """Note what is published already."""
        for topic, of_topic in groupby(sorted(batch, key=_topic), key=_topic):
            if topic in self._obstacles:
                continue
            try:
                published = await doubt.published(list(of_topic))
            except NOT_NOW as error:
                self._obstacles.hold_up(topic, error, time.monotonic())
                continue
            self.noted.published += published
            self._tally.recovered += len(published)
            if published:
                self.noted.positions[topic] = max(published.values())

    async def publish(self, batch: Iterable[Waiting], *, together: bool) -> None:
        """Publish what is not published already; `together`: neighbours of one topic may go in one go."""
        done = set(self.noted.published)
        for run in _runs(waiting for waiting in batch if waiting.row not in done):
            if together and await self._publish_together(run):
                continue
            for waiting in run:
                await self._publish_one(waiting)

    async def _publish_together(self, run: Sequence[Waiting]) -> bool:
        """Whether all of these went in one go; else they are to go one by one, as far as they may."""
        topic = run[0].draft.topic
        if len(run) == 1 or not self._may_publish(topic):
            return False
        try:
            async with self._in_time():
                positions = await self._destination.publish_together([waiting.draft for waiting in run])
        except NOT_NOW as error:
            self._obstacles.hold_up(topic, error, time.monotonic())
            return False
        if positions:
            self._published(run, positions[-1].sequence)
        return bool(positions)

    async def _publish_one(self, waiting: Waiting) -> None:
        draft = waiting.draft
        if not self._may_publish(draft.topic):
            return
        try:
            async with self._in_time():
                position = await self._destination.publish_draft(draft)
        except _NEVER as error:
            self._refused(waiting, error)
        except NOT_NOW as error:
            self._obstacles.hold_up(draft.topic, error, time.monotonic())
        else:
            self._published([waiting], position.sequence)

    def _may_publish(self, topic: str) -> bool:
        # A refusal is noted before anything behind it goes out: found there, that would say of all before it that
        # they are published.
        is_free = topic not in self._obstacles and not self.noted.refused
        return is_free and not self._is_ending() and time.monotonic() < self._until

    def _in_time(self) -> asyncio.Timeout:
        return asyncio.timeout(self._until - time.monotonic())

    def _published(self, run: Sequence[Waiting], last: int) -> None:
        self._tally.published += len(run)
        self.noted.published += [waiting.row for waiting in run]
        self.noted.positions[run[0].draft.topic] = last

    def _refused(self, waiting: Waiting, error: Exception) -> None:
        draft = waiting.draft
        self._tally.refused += 1
        self.noted.refused[waiting.row] = str(error)
        _log.error("%s/%s with the id %s is not published: %s", draft.topic, draft.name, draft.id, error)

    def __repr__(self) -> str:
        noted = self.noted
        return f"<Round {len(noted.published)} published, {len(noted.refused)} refused>"


def _runs(batch: Iterable[Waiting]) -> Iterator[list[Waiting]]:
    """Neighbours of one topic, as many as may go in one go."""
    run: list[Waiting] = []
    size = 0
    for waiting in batch:
        size += len(waiting.draft.data)
        if run and (waiting.draft.topic != run[0].draft.topic or size > _TOGETHER_BYTES):
            yield run
            run, size = [], len(waiting.draft.data)
        run.append(waiting)
    if run:
        yield run


def _topic(waiting: Waiting) -> str:
    return waiting.draft.topic
