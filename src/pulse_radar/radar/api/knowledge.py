"""What was ingested and what was found in it: messages, atoms, and the topics that they are about."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, field_serializer
from sqlalchemy import select

from pulse_radar.radar.api.lists import LARGEST, Before, Limit, Page, page_of
from pulse_radar.radar.events import AtomKind, Trend
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Atom, Cluster, Message

__all__ = ["knowledge_router"]

_Search = Annotated[
    str | None,
    Query(
        min_length=2, max_length=200, description="Words that are all in it, in any case.", examples=["price"]
    ),
]


class _Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class MessageShown(_Shown):
    """A message. Ids are text: browsers round integers beyond 2^53."""

    chat_id: int = Field(examples=["1234"], json_schema_extra={"type": "string"})
    id: int = Field(examples=["56"], json_schema_extra={"type": "string"})
    kind: str
    date: datetime | None
    sender: str | None
    reply_to: int | None = Field(json_schema_extra={"type": "string"})
    text: str
    ingestion_id: str

    @field_serializer("chat_id", "id", "reply_to")
    def _as_text(self, number: int | None) -> str | None:
        return None if number is None else str(number)


class AtomShown(_Shown):
    """A piece of knowledge, as its events say it, and the topic that it is about. `confidence` is a probability."""

    id: str = Field(examples=["telegram:1234:56"])
    kind: AtomKind
    title: str
    text: str
    chat: str | None
    chat_id: int = Field(json_schema_extra={"type": "string"})
    message_ids: list[str] = Field(examples=[["56"]])
    author: str | None
    date: datetime | None
    confidence: float
    url: str | None
    topic_id: str | None

    @field_serializer("chat_id")
    def _as_text(self, number: int) -> str:
        return str(number)


class TopicShown(_Shown):
    """Atoms about the same thing. `merged_into`: it was found to be a part of another."""

    id: str
    name: str
    keywords: list[str]
    atoms: int
    trend: Trend
    merged_into: str | None
    updated_at: datetime


def knowledge_router(radar: Radar) -> APIRouter:
    router = APIRouter(tags=["knowledge"])
    reads_messages = Depends(radar.pulse.requires("read", "messages"))
    reads_knowledge = Depends(radar.pulse.requires("read", "knowledge"))

    @router.get("/messages", dependencies=[reads_messages], summary="Messages, the last ingested first")
    async def messages(
        before: Before = None,
        limit: Limit = 100,
        chat_id: Annotated[
            int | None, Query(ge=-LARGEST, le=LARGEST, description="Only those of this chat.")
        ] = None,
        ingestion_id: Annotated[str | None, Query(description="Only those that this one brought.")] = None,
    ) -> Page[MessageShown]:
        position = radar.pulse.position("messages")
        rows = select(Message)
        if chat_id is not None:
            rows = rows.where(Message.chat_id == chat_id)
        if ingestion_id is not None:
            rows = rows.where(Message.ingestion_id == ingestion_id)
        shown = MessageShown.model_validate
        return await page_of(radar.store, Message, rows, shown, position=position, before=before, limit=limit)

    @router.get("/atoms", dependencies=[reads_knowledge], summary="Atoms, the newest first")
    async def atoms(
        before: Before = None,
        limit: Limit = 100,
        q: _Search = None,
        kind: Annotated[AtomKind | None, Query(description="Only those of this kind.")] = None,
        topic_id: Annotated[str | None, Query(description="Only those about this topic.")] = None,
    ) -> Page[AtomShown]:
        position = radar.pulse.position("knowledge")
        rows = select(Atom)
        for word in (q or "").casefold().split():
            rows = rows.where(Atom.search.contains(word, autoescape=True))
        if kind is not None:
            rows = rows.where(Atom.kind == kind)
        if topic_id is not None:
            rows = rows.where(Atom.topic_id == topic_id)
        shown = AtomShown.model_validate
        return await page_of(radar.store, Atom, rows, shown, position=position, before=before, limit=limit)

    @router.get("/topics", dependencies=[reads_knowledge], summary="Topics, the newest first")
    async def topics(
        before: Before = None,
        limit: Limit = 100,
        is_merged: Annotated[
            bool | None, Query(description="Only those that are a part of another by now, or are not.")
        ] = None,
    ) -> Page[TopicShown]:
        position = radar.pulse.position("knowledge")
        shown = TopicShown.model_validate
        rows = select(Cluster)
        if is_merged is not None:
            rows = rows.where(
                Cluster.merged_into.is_not(None) if is_merged else Cluster.merged_into.is_(None)
            )
        return await page_of(radar.store, Cluster, rows, shown, position=position, before=before, limit=limit)

    return router
