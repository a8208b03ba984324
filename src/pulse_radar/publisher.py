"""Publishing and nothing else: all that a worker needs."""

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.brokers.opening import open_broker
from pulse_radar.brokers.publish_queue import PublishQueue, PublishQueueStats
from pulse_radar.publishing import Position, Publishes
from pulse_radar.settings import Settings

__all__ = ["Publisher"]


class Publisher(Publishes):
    """Publishes events from a process that serves nobody: a worker, a script, a cron job.

    Example:
        async with Publisher("nats://localhost:4222") as publisher:
            await publisher.publish("knowledge", "atom_created", {"id": "a1"})
    """

    def __init__(self, broker: str | None = None, *, settings: Settings | None = None) -> None:
        """`broker`: a URL, else `PULSE_BROKER`. Raises: InvalidSetting, BrokerRefused."""
        self._settings = Settings.chosen(broker, settings)
        self._opening = open_broker(self._settings, is_owner=False)
        # What exists while it is entered.
        self._queue: PublishQueue | None = None
        self._broker: Broker

    async def __aenter__(self) -> Self:
        """Connect. Raises: BrokerUnavailable, BrokerRefused."""
        self._broker = await self._opening.__aenter__()
        self._queue = PublishQueue.from_settings(self._broker, self._settings)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect. Publishes still under way fail, as at their deadline."""
        queue, self._queue = self._queue, None
        try:
            if queue is not None:
                queue.close()
        finally:
            await self._opening.__aexit__(kind, error, trace)

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        return Position(draft.topic, await self._open_queue().publish(draft, expect_last=expect_last))

    async def publish_together(self, drafts: Sequence[Draft]) -> list[Position]:
        """Publish drafts of one topic in one go; no places: one by one, please. Raises: as `PublishQueue` does."""
        return [
            Position(drafts[0].topic, place) for place in await self._open_queue().publish_together(drafts)
        ]

    @property
    def broker(self) -> Broker:
        """The broker that it is connected to."""
        self._open_queue()
        return self._broker

    def publishing(self) -> PublishQueueStats:
        """How the publishes fare."""
        return self._open_queue().stats()

    def _open_queue(self) -> PublishQueue:
        if self._queue is None:
            raise RuntimeError("this publisher is not connected: use `async with Publisher(…) as publisher:`")
        return self._queue

    def __repr__(self) -> str:
        return f"<Publisher to {self._settings.broker_for_people}, {self._queue or 'not connected'}>"
