"""Ingestions: those that there were, and a new one of an export that is uploaded."""

import asyncio
import uuid
from datetime import datetime
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from pulse_radar.errors import BrokerError
from pulse_radar.radar.api.lists import Before, Limit, Page, page_of
from pulse_radar.radar.ingestion import IngestionFailed, check_export
from pulse_radar.radar.ingestion.agent import access_of
from pulse_radar.radar.jobs import open_job_queue
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Ingestion
from pulse_radar.radar.store.record import open_record
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
        name: Annotated[str, Query(max_length=200, description="What the file is called.")] = "result.json",
        timezone: Annotated[str | None, Query(description="Of an export from before late 2021.")] = None,
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
            async with open_job_queue(radar.pulse.settings) as queue:
                await queue.ingest(path, job_id=ingestion_id, timezone=timezone, pace=pace, agent=agent)
        except (UploadTooLarge, ExportError, IngestionFailed, BrokerError) as error:
            await asyncio.to_thread(path.unlink, missing_ok=True)
            raise _refusal(error) from None
        await open_record(radar.store, ingestion_id, PurePath(name).name, None, status="queued")
        return Queued(id=ingestion_id)

    return router


def _refusal(error: Exception) -> HTTPException:
    match error:
        case UploadTooLarge():
            return HTTPException(413, str(error))
        case BrokerError():
            return HTTPException(503, str(error), {"Retry-After": "2"})
        case _:
            return HTTPException(422, str(error))
