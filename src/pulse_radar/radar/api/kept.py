"""What people keep by hand: one of them by its id, made, changed and deleted, with the version that was meant."""

import uuid
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from fastapi import Header, HTTPException, Response
from pydantic import BaseModel
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.radar.store import Agent, Provider, Store, Task

__all__ = ["FAILURES", "IfMatch", "changed", "need", "new_id", "one", "referring", "say_version"]

Kept = TypeVar("Kept", Agent, Task, Provider)

IfMatch: TypeAlias = Annotated[
    str | None,
    Header(
        description="The ETag of the version that is meant: 412, where somebody else changed it meanwhile."
    ),
]

FAILURES: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "not yours, or from a foreign page"},
    404: {"description": "there is none with this id"},
    409: {"description": "something else refers to it, or it to nothing"},
    412: {"description": "somebody else changed it meanwhile"},
}


def new_id() -> str:
    return uuid.uuid4().hex


def say_version(response: Response, version: int) -> None:
    """The version as an ETag."""
    response.headers["ETag"] = f'"{version}"'


async def one(store: Store, model: type[Kept], kept_id: str) -> Kept:
    """The one with this id. Raises: HTTPException, 404."""
    async with store.reading() as session:
        row = await session.scalar(select(model).where(model.id == kept_id))
    return _there(row, model, kept_id)


async def need(session: AsyncSession, model: type[Kept], kept_id: str, if_match: str | None = None) -> Kept:
    """The one with this id, in the version that is meant, locked. Raises: HTTPException, 404 or 412."""
    found = await session.scalar(select(model).where(model.id == kept_id).with_for_update())
    row = _there(found, model, kept_id)
    if if_match is not None and if_match.removeprefix("W/").strip('"') not in {"*", str(row.version)}:
        raise HTTPException(412, f"it is of version {row.version} by now: load it again")
    return row


def changed(row: Agent | Task | Provider, changes: BaseModel, leave: Iterable[str] = ()) -> bool:
    """Set what was said and is different; whether anything was."""
    said = changes.model_dump(exclude_unset=True, exclude=set(leave))
    different = {name: value for name, value in said.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    return bool(different)


@asynccontextmanager
async def referring(store: Store) -> AsyncIterator[AsyncSession]:
    """A transaction that may find what it changes referred to, or referring to nothing. Raises: HTTPException, 409."""
    try:
        async with store.writing() as session:
            yield session
    except IntegrityError:
        raise HTTPException(
            409, "it refers to something that is not there, or something refers to it"
        ) from None


def _there(row: Kept | None, model: type[Kept], kept_id: str) -> Kept:
    if row is None:
        raise HTTPException(404, f"there is no {model.__name__.lower()} {kept_id!r}")
    return row
