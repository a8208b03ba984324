"""Publishing and nothing else: all that a worker needs."""

from types import TracebackType
from typing import Self

from pulse_radar.brokers.base import Draft
from pulse_radar.brokers.publish_queue import PublishQueue, PublishQueueStats
from pulse_radar.brokers.selection import select_broker
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
        settings = settings or Settings.load(broker=broker)
        self._broker = select_broker(settings, is_owner=False)
        self._queue = PublishQueue(
            self._broker,
            limit=settings.outbox_limit,
            deadline_seconds=settings.publish_deadline,
            max_event_bytes=settings.max_event_bytes,
        )

    async def __aenter__(self) -> Self:
        """Connect. Raises: BrokerUnavailable, BrokerRefused."""
        await self._broker.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Disconnect. Publishes still under way fail."""
        await self._broker.__aexit__(kind, error, trace)

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position:
        return Position(draft.topic, await self._queue.publish(draft, expect_last=expect_last))

    def stats(self) -> PublishQueueStats:
        return self._queue.stats()

    def __repr__(self) -> str:
        return f"<Publisher to {self._broker!r}, {self._queue!r}>"
