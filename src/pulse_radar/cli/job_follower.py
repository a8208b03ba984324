"""A job as it goes on: its progress and its life, from the broker, until it ends."""

from collections.abc import AsyncIterator, Callable
from typing import Final, Self, TypeAlias

import msgspec

from pulse_radar.brokers.base import Broker
from pulse_radar.cli.loops import first_of
from pulse_radar.errors import TopicMissing
from pulse_radar.jobs.events import JobCancelled, JobCancelling, JobCompleted, JobFailed
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.radar.events import IngestionProgress
from pulse_radar.radar.ingestion.run import PAUSED
from pulse_radar.stream.entry import StoredEvent

__all__ = ["Heard", "JobFollower", "Outcome"]

# Told each event of the job, as it came and as JSON text.
Heard: TypeAlias = Callable[[EventFrame, str], None]

_TOPICS: Final = ("messages", "monitoring")


class Outcome(msgspec.Struct, frozen=True):
    """How the job ended: `error` is None for one that was done."""

    error: str | None = None
    progress: IngestionProgress | None = None


class JobFollower:
    """Follows one job on both of its topics. Make it before the job is queued: it hears all that comes after."""

    def __init__(self, broker: Broker, after: dict[str, int]) -> None:
        self._broker = broker
        self._after = after
        self._progress: IngestionProgress | None = None
        # Why it is to stop.
        self._reason: str | None = None

    @classmethod
    async def ready(cls, broker: Broker) -> Self:
        """Raises: BrokerUnavailable; TopicMissing, when nobody serves the application."""
        try:
            return cls(broker, {topic: (await broker.extent(topic)).last for topic in _TOPICS})
        except TopicMissing as error:
            raise TopicMissing(
                "the topics of the application are not at this broker: start `pulse-radar serve`, "
                "or create them with `pulse-radar topics apply`"
            ) from error

    async def follow(self, job_id: str, heard: Heard) -> Outcome:
        """Follow it to its end; `heard` is told each event."""
        # Either topic tells the end: a worker that dies at the wrong moment may have told it on one only.
        return await first_of(*(self._follow(topic, job_id, heard) for topic in _TOPICS))

    async def _follow(self, topic: str, job_id: str, heard: Heard) -> Outcome:
        async for text in self._events(topic, job_id):
            frame = decode_server(text)
            if not isinstance(frame, EventFrame) or frame.deleted:
                continue
            heard(frame, text.decode())
            outcome = self._outcome(frame)
            if outcome is not None:
                return outcome
        raise AssertionError("a tail never ends")

    async def _events(self, topic: str, job_id: str) -> AsyncIterator[bytes]:
        async for entries in self._broker.tail(topic, after=self._after[topic]):
            for entry in entries:
                if isinstance(entry, StoredEvent) and entry.key == job_id:
                    yield entry.text

    def _outcome(self, frame: EventFrame) -> Outcome | None:
        match frame.name:
            case IngestionProgress.NAME:
                self._progress = progress = IngestionProgress.model_validate(frame.data)
                if progress.status in {"completed", "failed"}:
                    return Outcome(progress.error, progress)
                if progress.status == "cancelled":
                    # Of one that was given up while it was paused the job ended before, and says no more.
                    return Outcome(_cancelled(self._reason), progress)
            case JobCompleted.NAME:
                return Outcome(None, self._progress)
            case JobFailed.NAME:
                return Outcome(JobFailed.model_validate(frame.data).error, self._progress)
            case JobCancelling.NAME:
                self._reason = JobCancelling.model_validate(frame.data).reason
            case JobCancelled.NAME:
                reason = JobCancelled.model_validate(frame.data).reason
                # Paused is not the end: whoever goes on with it goes on under the same id.
                return None if reason == PAUSED else Outcome(_cancelled(reason), self._progress)
        return None


def _cancelled(reason: str | None) -> str:
    return "the job was cancelled" + (f": {reason}" if reason and reason != PAUSED else "")
