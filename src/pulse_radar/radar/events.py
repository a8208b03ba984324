"""What the application publishes, typed: progress of ingestions, atoms and topics of knowledge. Jobs have their own."""

from datetime import datetime
from typing import Literal

from pulse_radar.events import Event

__all__ = [
    "AtomCreated",
    "AtomEvent",
    "AtomKind",
    "AtomUpdated",
    "IngestionProgress",
    "IngestionStatus",
    "TopicCreated",
    "TopicEvent",
    "TopicUpdated",
    "Trend",
]

AtomKind = Literal["decision", "task", "question", "link", "claim"]
Trend = Literal["rising", "steady", "falling"]
IngestionStatus = Literal[
    "queued", "counting", "running", "finding_topics", "paused", "completed", "failed", "cancelled"
]


class IngestionProgress(Event, topic="messages", key="ingestion_id"):
    """How far an ingestion is. The last one of an ingestion has the status `completed`, `failed` or `cancelled`.

    `done` is `added` plus `skipped`: what was ingested before, by whomever, is skipped. `total` and
    `eta_seconds` are None while they are unknown. A job that is taken up again begins at 0 and soon is where it was;
    what it added before counts as added. `fallbacks` messages were left to the default extraction by the agent that was
    to read them; `fallback_reason` is why, the last time. `is_live`: of a bot that reads along, which has no end;
    `error` is what it has to wait for. `is_gone`: the file was an upload and is deleted, for it would fail again.
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
    fallbacks: int = 0
    fallback_reason: str | None = None
    is_live: bool = False
    is_gone: bool = False


class AtomEvent(Event, topic="knowledge", key="id"):
    """A piece of knowledge. `title` is its sentence or address, `text` an excerpt of what it stands in.

    `message_ids` are all messages that it is from, `message_id` the first of them. `confidence` is a probability.
    """

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
    message_ids: tuple[str, ...] = ()
    confidence: float = 1.0
    url: str | None = None
    topic_id: str | None = None


class AtomCreated(AtomEvent):
    """It was found."""


class AtomUpdated(AtomEvent):
    """It was found in one more message, or came to belong to another topic."""


class TopicEvent(Event, topic="knowledge", key="id"):
    """Atoms about one thing. `name` is made of the `keywords` that tell it from the others, `atoms` counts them.

    `trend` compares the last days with those before. `merged_into` is there once it was found to be a part of another.
    """

    id: str
    name: str
    keywords: tuple[str, ...]
    atoms: int
    trend: Trend
    merged_into: str | None = None


class TopicCreated(TopicEvent):
    """There are enough atoms about something new."""


class TopicUpdated(TopicEvent):
    """It grew, shrank, or is called something else now."""
