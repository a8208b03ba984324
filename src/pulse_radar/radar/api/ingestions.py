"""Ingestions: those that there were, and a new one of an export that is uploaded."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from sqlalchemy import select
from starlette.requests import ClientDisconnect

from pulse_radar.errors import BrokerError
from pulse_radar.radar.api.lists import Before, Limit, Page, page_of
from pulse_radar.radar.ingestion import IngestionFailed, check_export
from pulse_radar.radar.ingestion.agent import access_of
from pulse_radar.radar.jobs import open_job_queue
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Ingestion
from pulse_radar.radar.store.record import forget_record, open_record
from pulse_radar.radar.telegram import ExportError
from pulse_radar.radar.uploads import UploadTooLarge, check_size, keep_upload, uploads_of

__all__ = ["ingestions_router"]

_UPLOAD: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "description": "The `result.json` of a Telegram Desktop export, as it is.",
        "content": {"application/json": {"schema": {"type": "string", "format": "binary"}}},
    }
}
_NAME: Final = "result.json"


def _known(timezone: str | None) -> str | None:
    try:
        ZoneInfo(timezone or "UTC")
    except (KeyError, ValueError, OSError):
        raise ValueError("no such time zone is known: write it as in Europe/Berlin") from None
    return timezone


_TimeZone = Annotated[
    str | None,
    Query(max_length=100, description="Of an export from before late 2021."),
    AfterValidator(_known),
]
_FAILURES: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "not yours, or from a foreign page"},
    413: {"description": "larger than an upload may be"},
    422: {"description": "no export, or an agent that cannot read it; nothing of it is kept"},
    503: {"description": "no job can be queued right now"},
}


class IngestionShown(BaseModel):
    """An export on its way in. `done` messages of its `total` are behind us, `added` of them were new."""

    model_config = ConfigDict(from_attributes=True)

    id: str = Field(description="Its key on `messages` and `monitoring`.")
    file: str = Field(examples=["result.json"])
    status: str = Field(examples=["running"])
    total: int | None
    done: int
    added: int
    fallbacks: int = Field(description="Messages that its agent left to the default extraction.")
    fallback_reason: str | None
    chat: str | None
    error: str | None
    created_at: datetime
    updated_at: datetime


class Queued(BaseModel):
    """The ingestion waits for a worker; follow it as `messages/<id>`."""

    id: str


def ingestions_router(radar: Radar) -> APIRouter:
    router = APIRouter(prefix="/ingestions", tags=["ingestion"])
    reads = Depends(radar.pulse.requires("read", "messages"))
    changes = Depends(radar.pulse.requires("admin", "messages"))

    @router.get("", dependencies=[reads], summary="Ingestions, the newest first")
    async def listed(
        before: Before = None,
        limit: Limit = 100,
        status: Annotated[str | None, Query(description="Only those of this status.")] = None,
    ) -> Page[IngestionShown]:
        position = radar.pulse.position("messages")
        rows = select(Ingestion)
        if status is not None:
            rows = rows.where(Ingestion.status == status)
        shown = IngestionShown.model_validate
        return await page_of(
            radar.store, Ingestion, rows, shown, position=position, before=before, limit=limit
        )

    @router.post(
        "",
        status_code=202,
        dependencies=[changes],
        responses=_FAILURES,
        openapi_extra=_UPLOAD,
        summary="Upload an export and ingest it",
    )
    async def upload(
        request: Request,
        name: Annotated[str, Query(max_length=200, description="What the file is called.")] = _NAME,
        timezone: _TimeZone = None,
        pace: Annotated[float | None, Query(ge=1, description="Messages a second, at most.")] = None,
        agent: Annotated[
            str | None, Query(max_length=200, description="Who finds the knowledge in it, by id or name.")
        ] = None,
    ) -> Queued:
        ingestion_id = uuid.uuid4().hex
        path = uploads_of(radar.pulse.settings) / f"{ingestion_id}.json"
        limit = radar.settings.upload_limit_bytes
        try:
            if agent is not None:
                await access_of(agent, radar.store, radar.vault)
            check_size(int(request.headers.get("content-length", 0)), limit)
            await keep_upload(path, request.stream(), limit)
            await asyncio.to_thread(check_export, path)
            async with open_job_queue(radar.pulse.settings) as queue, _recorded(radar, ingestion_id, name):
                await queue.ingest(path, job_id=ingestion_id, timezone=timezone, pace=pace, agent=agent)
        except Exception as error:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            refusal = _refusal(error)
            if refusal is None:
                raise
            raise refusal from None
        return Queued(id=ingestion_id)

    return router


@asynccontextmanager
async def _recorded(radar: Radar, ingestion_id: str, name: str) -> AsyncIterator[None]:
    """Its record with its name is there before a worker can begin, and none is left where it is not queued."""
    await open_record(radar.store, ingestion_id, PurePath(name).name or _NAME, None, status="queued")
    try:
        yield
    except Exception:
        await forget_record(radar.store, ingestion_id)
        raise


def _refusal(error: Exception) -> HTTPException | None:
    """What is said to whoever uploads; None, where it is nothing that can be expected here."""
    match error:
        case ClientDisconnect():
            return HTTPException(400, "it broke off")
        case UploadTooLarge():
            return HTTPException(413, str(error))
        case BrokerError():
            return HTTPException(503, str(error), {"Retry-After": "2"})
        case ExportError() | IngestionFailed():
            return HTTPException(422, str(error))
        case _:
            return None
