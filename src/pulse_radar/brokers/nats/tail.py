"""A tail's shell: performs what the follower decides, and wakes it when something is announced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import assert_never

from pulse_radar.brokers.nats.announcements import Announcements
from pulse_radar.brokers.nats.follower import Follower
from pulse_radar.brokers.nats.history import History
from pulse_radar.brokers.nats.steps import Deliver, Fill, Recreate, Renumber, Verify, Wait
from pulse_radar.brokers.nats.streams import Streams
from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.errors import BrokerUnavailable, NotPermitted, TopicMissing
from pulse_radar.stream.entry import Entry

__all__ = ["Tail"]

_Request = Verify | Fill | Renumber | Recreate


class Tail:
    """Follows a topic for as long as somebody iterates; what it asks of the server ends with that.

    `spec` is what the topic's stream is recreated with when it is lost; None leaves that to others.
    """

    def __init__(
        self,
        follower: Follower,
        topic: str,
        spec: TopicSpec | None,
        *,
        history: History,
        streams: Streams,
        announcements: Announcements,
    ) -> None:
        self._follower = follower
        self._topic = topic
        self._spec = spec
        self._history = history
        self._streams = streams
        self._announcements = announcements
        self._bell = asyncio.Event()
        # When it rings by itself: seldom another moment than the last time, so it is no time-out of each wait.
        self._rings_at: float | None = None
        self._alarm: asyncio.TimerHandle | None = None
        # What is being asked of the server.
        self._step: asyncio.Task[None] | None = None

    def hear(self, entry: Entry) -> None:
        self._follower.announced(entry)
        self._bell.set()

    def wake(self) -> None:
        self._follower.reconnected()
        self._bell.set()

    async def entries(self) -> AsyncIterator[tuple[Entry, ...]]:
        """Batches as large as what is there, until the announcements are closed.

        Raises: NotPermitted, BrokerRefused.
        """
        with self._announcements.told_to(self, self._topic):
            try:
                while not self._announcements.is_closed:
                    # Cleared before the look: what happens from now on rings again.
                    self._bell.clear()
                    match self._follower.next(self._now()):
                        case Deliver(entries):
                            yield entries
                        case Wait(until):
                            self._check()
                            self._ring_at(until)
                            await self._bell.wait()
                        case step:
                            self._begin(step)
            finally:
                await self._end()

    def __repr__(self) -> str:
        return f"<Tail of {self._topic}: {self._follower!r}>"

    def _check(self) -> None:
        """Raises: what the step under way came to, if it ended badly; NotPermitted."""
        if self._step is not None and self._step.done():
            self._step.result()
        self._announcements.check()

    def _begin(self, step: _Request) -> None:
        # Beside the deliveries: a server that is slow to answer does not hold up what it announces.
        self._step = asyncio.create_task(self._perform(step), name=f"{step!r} of {self._topic}")
        self._step.add_done_callback(lambda _: self._bell.set())

    def _ring_at(self, until: float | None) -> None:
        if until == self._rings_at:
            return
        if self._alarm is not None:
            self._alarm.cancel()
        self._rings_at = until
        self._alarm = None if until is None else asyncio.get_running_loop().call_at(until, self._ring)

    def _ring(self) -> None:
        # It may be early by what a clock leaves out: then it is set again.
        self._rings_at = None
        self._bell.set()

    async def _end(self) -> None:
        self._ring_at(None)
        if self._step is not None:
            self._step.cancel()
            await asyncio.gather(self._step, return_exceptions=True)

    async def _perform(self, step: _Request) -> None:
        try:
            match step:
                case Verify():
                    await self._verify(step)
                case Fill(first, reach):
                    await self._fill(first, reach)
                case Renumber(identity, above):
                    await self._mend(self._streams.renumber(self._topic, identity, above))
                case Recreate():
                    assert self._spec is not None
                    await self._mend(self._streams.declare([self._spec]))
                case _:
                    assert_never(step)
        except (BrokerUnavailable, TopicMissing):
            self._follower.failed(self._now())

    async def _verify(self, asked: Verify) -> None:
        self._announcements.subscribe()
        view = await self._history.look(self._topic)
        if view is None:
            self._follower.missing(self._now())
        else:
            self._follower.verified(asked, view.sight, self._now())

    async def _fill(self, first: int, reach: int) -> None:
        entries, is_end = await self._history.batch(self._topic, first, reach)
        self._follower.filled(entries, self._now(), is_end=is_end)

    async def _mend(self, mending: Awaitable[None]) -> None:
        try:
            await mending
        except NotPermitted:
            self._follower.cannot_mend(self._now())
        else:
            self._follower.mended(self._now())

    def _now(self) -> float:
        return asyncio.get_running_loop().time()
