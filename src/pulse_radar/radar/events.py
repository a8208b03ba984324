"""What the application publishes, typed: progress of ingestions, the life of jobs, new atoms."""

from datetime import datetime
from typing import Literal

from pulse_radar.events import Event

__all__ = [
    "AtomCreated",
    "AtomKind",
    "IngestionProgress",
    "IngestionStatus",
    "JobAttemptEnded",
    "JobCompleted",
    "JobEvent",
    "JobFailed",
    "JobQueued",
    "JobRetrying",
    "JobStarted",
]

AtomKind = Literal["decision", "task", "question", "link", "claim"]
IngestionStatus = Literal["counting", "running", "completed", "failed"]


class IngestionProgress(Event, topic="messages", key="ingestion_id"):
    """How far an ingestion is. The last one of an ingestion has the status `completed` or `failed`.

    `done` is `added` plus `skipped`: what was ingested before, by whomever, is skipped. `total` and
    `eta_seconds` are None while they are unknown. A job that is taken up again begins at 0 and soon is where it was;
    what it added before counts as added.
    Units: `rate` messages per second.
    """

    ingestion_id: str
    status: IngestionStatus
    total: int | None = None
    done: int = 0
    added: int = 0
    skipped: int = 0
    rate: float = 0.0
    eta_seconds: float | None = None
    chat: str | None = None
    file: str | None = None
    error: str | None = None


class AtomCreated(Event, topic="knowledge", key="id"):
    """A piece of knowledge was found in a message. `title` is its first sentence, `text` an excerpt."""

    id: str
    kind: AtomKind
    title: str
    text: str
    chat: str | None
    # As text: browsers round integers beyond 2^53, and ids of a later Telegram may be there.
    chat_id: str
    message_id: str
    author: str | None
    date: datetime | None


class JobEvent(Event, topic="monitoring", key="task_id"):
    """Something happened to a job. `attempt` counts from 1: retries and what a dead worker left behind."""

    task_id: str
    name: str
    attempt: int = 1

    @property
    def in_words(self) -> str:
        """What happened, for a person who reads a log."""
        return self.NAME.removeprefix("job_")


class JobQueued(JobEvent):
    """It waits for a worker."""

    queued_at: datetime


class JobStarted(JobEvent):
    """A worker began an attempt. `worker` is its host and process."""

    started_at: datetime
    worker: str


class JobAttemptEnded(JobEvent):
    """An attempt ended; how, is said by what is made of this."""

    started_at: datetime
    ended_at: datetime
    duration_seconds: float
    worker: str

    @property
    def in_words(self) -> str:
        return f"{super().in_words} after {self.duration_seconds:.1f} s"


class JobCompleted(JobAttemptEnded):
    """It is done."""


class JobRetrying(JobAttemptEnded):
    """This attempt came to nothing, and the job waits for a worker again."""


class JobFailed(JobAttemptEnded):
    """It failed, for good."""

    error_type: str
    error: str

    @property
    def in_words(self) -> str:
        return f"{super().in_words}: {self.error}"
