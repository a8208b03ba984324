"""What the application publishes, typed: progress of ingestions, and atoms. Jobs have events of their own."""

from datetime import datetime
from typing import Literal

from pulse_radar.events import Event

__all__ = [
    "AtomCreated",
    "AtomKind",
    "IngestionProgress",
    "IngestionStatus",
]

AtomKind = Literal["decision", "task", "question", "link", "claim"]
IngestionStatus = Literal["counting", "running", "paused", "completed", "failed", "cancelled"]


class IngestionProgress(Event, topic="messages", key="ingestion_id"):
    """How far an ingestion is. The last one of an ingestion has the status `completed`, `failed` or `cancelled`.

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
