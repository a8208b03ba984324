"""What goes on while a process serves: every topic is followed, and delivery is probed, for ever."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Final

from pulse_radar.brokers.topic_spec import TopicSpec
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.server.delivery_probe import DeliveryProbe
from pulse_radar.server.intake import Intake
from pulse_radar.tasks import ended

__all__ = ["Background"]

_log: Final = logging.getLogger("pulse_radar.server")


class Background:
    """One group of tasks: if one of them dies, all do, and it says so in `failure`."""

    def __init__(
        self,
        topics: Sequence[TopicSpec],
        intake: Intake,
        probe: DeliveryProbe,
        *,
        startup_seconds: float,
        on_failure: Callable[[], None],
    ) -> None:
        self._topics: Final = tuple(topics)
        self._intake = intake
        self._probe = probe
        self._startup_seconds = startup_seconds
        self._on_failure = on_failure
        # Set by who knows it: what is served of every topic is what the broker has.
        self.is_current: Final = asyncio.Event()
        # Why it ended, None while it goes on.
        self.failure: BaseException | None = None
        self._task: asyncio.Task[None]
        self._group: asyncio.TaskGroup

    async def begin(self) -> None:
        """Declare the topics, start their tails and return when they are current.

        Raises: BrokerUnavailable, when they are not within the start-up time; BrokerRefused, NotPermitted. Then, too,
        it is to be ended.
        """
        self._task = asyncio.create_task(self._run(), name="pulse-radar")
        current = asyncio.create_task(self.is_current.wait())
        try:
            await asyncio.wait(
                {self._task, current},
                timeout=self._startup_seconds,
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            current.cancel()
        if not self.is_current.is_set():
            raise self.failure or BrokerUnavailable(f"not current after {self._startup_seconds} s: {self!r}")

    async def end(self) -> None:
        self._task.cancel()
        await ended(self._task)

    @property
    def has_ended(self) -> bool:
        return self._task.done()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Do this beside all else, for as long as this goes on."""
        return self._group.create_task(work)

    def __repr__(self) -> str:
        state = "FAILED" if self.failure else "current" if self.is_current.is_set() else "not current"
        return f"<Background of {len(self._topics)} topics, {state}>"

    async def _run(self) -> None:
        try:
            await self._intake.declare([*self._topics, self._probe.topic])
            async with asyncio.TaskGroup() as self._group:
                for topic in self._topics:
                    self._group.create_task(self._intake.follow(topic), name=f"tail of {topic.name}")
                self._group.create_task(self._probe.run(), name="delivery probe")
                if not self._topics:
                    self.is_current.set()
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001 (told to everyone, and raised by whoever starts)
            self._fail(error.exceptions[0] if isinstance(error, BaseExceptionGroup) else error)

    def _fail(self, failure: BaseException) -> None:
        self.failure = failure
        if self.is_current.is_set():
            # Before that it is raised by whoever starts us.
            _log.critical("the live layer stopped: %s", failure, exc_info=failure)
        self._on_failure()
