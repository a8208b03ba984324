"""Lists, page by page, the newest first; each says where its topic stood before it was read."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeAlias, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field
from sqlalchemy import Select

from pulse_radar.publishing import Position
from pulse_radar.radar.store import Store

__all__ = ["LARGEST", "Before", "Limit", "Page", "page_of"]

Row = TypeVar("Row", bound=BaseModel)

# A database has no larger integers, and fails at one that is.
LARGEST: Final = 2**63 - 1

Before: TypeAlias = Annotated[
    int | None, Query(ge=1, le=LARGEST, description="The `next` of the page before; the newest without.")
]
Limit: TypeAlias = Annotated[int, Query(ge=1, le=500, description="Rows of a page.")]


class Page(BaseModel, Generic[Row]):
    """A page of rows. Follow the topic from `lastSeq` on, and apply what comes to the rows: repeats do no harm."""

    items: list[Row]
    next: int | None = Field(description="The `before` of the next page; null on the last.")
    lastSeq: str = Field(examples=["agents:1703750400000143"])  # noqa: N815 (as on the wire)


async def page_of(
    store: Store,
    model: Any,
    rows: Select[Any],
    shown: Callable[[Any], Row],
    *,
    position: Position,
    before: int | None,
    limit: int,
) -> Page[Row]:
    """The page of a selection of this model's rows. `position`: taken before this is called."""
    if before is not None:
        rows = rows.where(model.number < before)
    async with store.reading() as session:
        found = list(await session.scalars(rows.order_by(model.number.desc()).limit(limit)))
    # A full page may be the last one; the next is empty then.
    following = found[-1].number if len(found) == limit else None
    return Page(items=[shown(row) for row in found], next=following, lastSeq=str(position))
