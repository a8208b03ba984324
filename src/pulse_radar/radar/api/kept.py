"""What people keep by hand: one of them by its id, made, changed and deleted, with the version that was meant."""

import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

from fastapi import Header, HTTPException, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from pulse_radar.events import Event
from pulse_radar.radar.running import Radar
from pulse_radar.radar.store import Agent, Provider, Store, Task, outbox

__all__ = ["FAILURES", "IfMatch", "Reference", "Shelf", "UtcMoment", "changed", "new_id"]

Kept = TypeVar("Kept", Agent, Task, Provider)
Shown = TypeVar("Shown", bound=BaseModel)

IfMatch: TypeAlias = Annotated[
    str | None,
    Header(
        description="The ETag of the version that is meant: 412, where somebody else changed it meanwhile."
    ),
]

# The id of something else that is kept.
Reference: TypeAlias = Annotated[str | None, Field(max_length=40)]


def _in_utc(moment: datetime) -> datetime:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        raise ValueError("in UTC it is not within the years 1 to 9999") from None


# With a zone, and as it is kept.
UtcMoment: TypeAlias = Annotated[AwareDatetime, AfterValidator(_in_utc)]

FAILURES: Final[dict[int | str, dict[str, Any]]] = {
    403: {"description": "not yours, or from a foreign page"},
    404: {"description": "there is none with this id"},
    409: {"description": "something else refers to it, or it to nothing"},
    412: {"description": "somebody else changed it meanwhile"},
}


class Shelf(Generic[Kept, Shown]):
    """All of one kind: one is made, shown, changed and deleted here, and what is done to it is told with it."""

    def __init__(
        self,
        radar: Radar,
        model: type[Kept],
        show: Callable[[Any], Shown],
        *,
        created: Callable[..., Event],
        updated: Callable[..., Event],
        deleted: Callable[..., Event],
    ) -> None:
        """`created` and `updated` are events of all that is shown, `deleted` is one of the id."""
        self._radar = radar
        self._model: type[Kept] = model
        self._show = show
        self._created = created
        self._updated = updated
        self._deleted = deleted

    async def create(self, row: Kept, response: Response) -> Shown:
        """Raises: HTTPException, 409."""
        async with _referring(self._radar.store) as session:
            session.add(row)
            await session.flush()
            shown = self._show(row)
            outbox.add(session, self._created(**shown.model_dump()))
        return _with_version(shown, row, response)

    async def get(self, kept_id: str, response: Response) -> Shown:
        """Raises: HTTPException, 404."""
        async with self._radar.store.reading() as session:
            found = await session.scalar(select(self._model).where(self._model.id == kept_id))
        row = _there(found, self._model, kept_id)
        return _with_version(self._show(row), row, response)

    async def change(
        self, kept_id: str, if_match: str | None, change: Callable[[Kept], object], response: Response
    ) -> Shown:
        """`change` is given the row; what it leaves as it was is not told. Raises: HTTPException, 404, 409 or 412."""
        async with _referring(self._radar.store) as session:
            row = await _need(session, self._model, kept_id, if_match)
            change(row)
            is_changed = session.is_modified(row)
            await session.flush()
            shown = self._show(row)
            if is_changed:
                outbox.add(session, self._updated(**shown.model_dump()))
        return _with_version(shown, row, response)

    async def delete(self, kept_id: str, if_match: str | None) -> None:
        """Raises: HTTPException, 404, 409 or 412."""
        async with _referring(self._radar.store) as session:
            await session.delete(await _need(session, self._model, kept_id, if_match))
            outbox.add(session, self._deleted(id=kept_id))

    def __repr__(self) -> str:
        return f"<Shelf of {self._model.__name__}>"


def new_id() -> str:
    return uuid.uuid4().hex


def changed(row: Agent | Task | Provider, changes: BaseModel, leave: Iterable[str] = ()) -> None:
    """Set what was said and is different."""
    for name, value in changes.model_dump(exclude_unset=True, exclude=set(leave)).items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def _with_version(shown: Shown, row: Agent | Task | Provider, response: Response) -> Shown:
    """The version as an ETag."""
    response.headers["ETag"] = f'"{row.version}"'
    return shown


async def _need(session: AsyncSession, model: type[Kept], kept_id: str, if_match: str | None = None) -> Kept:
    """The one with this id, in the version that is meant, locked. Raises: HTTPException, 404 or 412."""
    found = await session.scalar(select(model).where(model.id == kept_id).with_for_update())
    row = _there(found, model, kept_id)
    if if_match is not None and if_match.removeprefix("W/").strip('"') not in {"*", str(row.version)}:
        raise HTTPException(412, f"it is of version {row.version} by now: load it again")
    return row


@asynccontextmanager
async def _referring(store: Store) -> AsyncIterator[AsyncSession]:
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
