"""The tables of the application. A change here is a migration beside it, which a test insists on."""

from datetime import datetime
from typing import Any, ClassVar, Final

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from pulse_radar.outbox import Outbox
from pulse_radar.radar.events import AtomKind, Trend
from pulse_radar.radar.store.kept_text import KeptName, KeptText
from pulse_radar.radar.store.utc_time import UtcTime, utc_now

__all__ = ["Agent", "Atom", "Base", "Chat", "Cluster", "Ingestion", "Message", "Provider", "Task", "outbox"]

# SQLite counts rows by its own integer, whatever it is called.
_Number: Final = BigInteger().with_variant(Integer, "sqlite")

_NAMES: Final = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """`number` orders the rows of a table as they came; pages of a list are cut by it."""

    metadata = MetaData(naming_convention=_NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime: UtcTime(), int: BigInteger(), str: KeptText()}


outbox: Final = Outbox(Base.metadata)


class _Numbered:
    number: Mapped[int] = mapped_column(_Number, primary_key=True, autoincrement=True, sort_order=-2)


class Chat(Base):
    """Where messages were said."""

    __tablename__ = "chats"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[str | None]
    kind: Mapped[str | None] = mapped_column(KeptName(40))


class Message(_Numbered, Base):
    """A message, once, however many exports it is in. `ingestion_id`: the one that brought it."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("chat_id", "id"),)

    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id"))
    id: Mapped[int]
    kind: Mapped[str] = mapped_column(KeptName(20))
    date: Mapped[datetime | None]
    sender: Mapped[str | None]
    sender_id: Mapped[str | None] = mapped_column(KeptName(80))
    reply_to: Mapped[int | None]
    text: Mapped[str]
    ingestion_id: Mapped[str] = mapped_column(KeptName(80))


class Cluster(_Numbered, Base):
    """A topic of knowledge: atoms about the same thing. Called so here, for topics are what events are published on."""

    __tablename__ = "topics"

    id: Mapped[str] = mapped_column(KeptName(128), unique=True)
    name: Mapped[str]
    keywords: Mapped[list[str]] = mapped_column(JSON)
    atoms: Mapped[int]
    trend: Mapped[Trend] = mapped_column(KeptName(20))
    merged_into: Mapped[str | None] = mapped_column(KeptName(128))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class Atom(_Numbered, Base):
    """A piece of knowledge. `search` is what is searched: title and text without regard to upper and lower case."""

    __tablename__ = "atoms"
    __table_args__ = (Index("ix_atoms_kind_number", "kind", "number"),)

    id: Mapped[str] = mapped_column(KeptName(128), unique=True)
    kind: Mapped[AtomKind] = mapped_column(KeptName(20))
    title: Mapped[str]
    text: Mapped[str]
    search: Mapped[str]
    confidence: Mapped[float] = mapped_column(Float)
    url: Mapped[str | None]
    chat: Mapped[str | None]
    chat_id: Mapped[int]
    message_ids: Mapped[list[str]] = mapped_column(JSON)
    author: Mapped[str | None]
    date: Mapped[datetime | None]
    topic_id: Mapped[str | None] = mapped_column(ForeignKey("topics.id"), index=True)


class Ingestion(_Numbered, Base):
    """An export on its way in. So many messages of it are `done`, and `added` of them were new.

    `fallbacks`: messages that its agent left to the default extraction; `fallback_reason` is why, the last time.
    """

    __tablename__ = "ingestions"

    id: Mapped[str] = mapped_column(KeptName(80), unique=True)
    file: Mapped[str]
    status: Mapped[str] = mapped_column(KeptName(20))
    total: Mapped[int | None]
    done: Mapped[int] = mapped_column(default=0)
    added: Mapped[int] = mapped_column(default=0)
    fallbacks: Mapped[int] = mapped_column(default=0, server_default="0")
    fallback_reason: Mapped[str | None]
    chat: Mapped[str | None]
    error: Mapped[str | None]
    # Of a bot that reads along: its first update that is not in the database.
    next_update: Mapped[int | None]
    # What the file was like: of another one `done` says nothing.
    file_mark: Mapped[str | None] = mapped_column(KeptName(80))
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now)


class _Kept(_Numbered):
    """What people keep by hand. `version` counts its changes, so that two who change it at once notice."""

    id: Mapped[str] = mapped_column(KeptName(40), unique=True, sort_order=-1)
    version: Mapped[int] = mapped_column(Integer, sort_order=1)
    created_at: Mapped[datetime] = mapped_column(default=utc_now, sort_order=1)
    updated_at: Mapped[datetime] = mapped_column(default=utc_now, onupdate=utc_now, sort_order=1)

    @declared_attr.directive
    @classmethod
    def __mapper_args__(cls) -> dict[str, Any]:
        return {"version_id_col": cls.version}


class Provider(_Kept, Base):
    """An endpoint that speaks OpenAI's protocol. `secret` is its key, encrypted where we are told with what."""

    __tablename__ = "providers"

    name: Mapped[str]
    base_url: Mapped[str]
    model: Mapped[str | None]
    secret: Mapped[str | None]


class Agent(_Kept, Base):
    """Somebody who works with a model of a provider, by instructions."""

    __tablename__ = "agents"

    name: Mapped[str]
    instructions: Mapped[str]
    model: Mapped[str | None]
    provider_id: Mapped[str | None] = mapped_column(ForeignKey("providers.id"), index=True)
    is_enabled: Mapped[bool] = mapped_column(Boolean)


class Task(_Kept, Base):
    """Something to be done, by an agent if one is named; `atom_id` is the knowledge that it came from."""

    __tablename__ = "tasks"

    title: Mapped[str]
    description: Mapped[str]
    status: Mapped[str] = mapped_column(KeptName(20), index=True)
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id"), index=True)
    atom_id: Mapped[str | None] = mapped_column(KeptName(128))
    due_at: Mapped[datetime | None]
