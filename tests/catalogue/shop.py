"""An app of a user: events with everything that pydantic can say."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Generic, Literal, TypeVar
from uuid import UUID

from fastapi import FastAPI
from pydantic import BaseModel, Field, computed_field

from pulse_radar import Event, Pulse

T = TypeVar("T")


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Page(BaseModel, Generic[T]):
    items: list[T]
    next: str | None = None


class Node(BaseModel):
    name: str
    children: list["Node"] = []


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"
    lives: int


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"
    good: bool = True


class Frame(BaseModel):
    """Named as something of ours in the generated file. */"""

    width: int


class OrderEvent(Event, topic="orders", key="id"):
    id: str


class OrderPlaced(OrderEvent):
    """An order came.

    It is not paid yet.
    """

    at: datetime
    day: date
    total: Decimal
    uid: UUID
    colour: Colour
    status: Literal["new", "paid"]
    note: Annotated[str | None, Field(description="What the customer said.")] = None
    tags: frozenset[str] = frozenset()
    pair: tuple[int, str]
    many: tuple[int, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict)
    page: Page[int]
    tree: Node
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    anything: Any = None
    frame: Frame | None = None
    maybe: list[str | None] = Field(default_factory=list)
    content_type: Annotated[str, Field(serialization_alias="content-type")] = "text"
    secret: Annotated[str, Field(exclude=True)] = ""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def gross(self) -> float:
        return float(self.total) * 1.2


class OrderGone(OrderEvent):
    pass


class LoadMeasured(Event, topic="loads", key="host", name="load.measured"):
    host: str
    load: float


pulse = Pulse()
pulse.topic("orders")
pulse.topic("loads", kind="state", events=[LoadMeasured])
pulse.topic("free-text")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)


def create_app() -> FastAPI:
    return app


def an_order() -> OrderPlaced:
    return OrderPlaced(
        id="o1",
        at=datetime(2025, 1, 2, 3, 4, 5),
        day=date(2025, 1, 2),
        total=Decimal("12.50"),
        uid=UUID(int=7),
        colour=Colour.RED,
        status="new",
        pair=(1, "a"),
        page=Page[int](items=[1]),
        tree=Node(name="root", children=[Node(name="leaf")]),
        pet=Cat(lives=9),
        frame=Frame(width=3),
    )
