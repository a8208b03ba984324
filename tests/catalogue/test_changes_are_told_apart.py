"""Which changes of Python events break clients, and which do not."""

from typing import Any, Literal

import pytest
from pydantic import BaseModel, create_model

from pulse_radar import Event, Pulse
from pulse_radar.catalogue.changes import changes
from pulse_radar.catalogue.declared import Catalogue, catalogue_of


class A(BaseModel):
    kind: Literal["a"] = "a"
    x: int


class B(BaseModel):
    kind: Literal["b"] = "b"
    y: int


class WiderA(BaseModel):
    kind: Literal["a"] = "a"
    x: int | None


class Tree(BaseModel):
    name: str
    children: list["Tree"] = []


class TreeWithSize(BaseModel):
    name: str
    size: int
    children: list["TreeWithSize"] = []


class NamelessTree(BaseModel):
    children: list["NamelessTree"] = []


def catalogue(kind: Any = "log", name: str = "happened", key: str | None = None, **fields: Any) -> Catalogue:
    event = create_model("Happened", __base__=Event, **fields)
    event.TOPIC, event.NAME, event.KEY_FIELD = "t", name, key
    pulse = Pulse()
    pulse.topic("t", kind=kind, events=[event])
    return catalogue_of(pulse.topics, pulse.events)


def told(before: Catalogue, after: Catalogue) -> tuple[list[str], list[str]]:
    """What breaks, and what does not."""
    found = changes(before, after)
    return [str(c) for c in found if c.is_breaking], [str(c) for c in found if not c.is_breaking]


def of_field(before: Any, after: Any) -> tuple[list[str], list[str]]:
    return told(catalogue(f=(before, ...)), catalogue(f=(after, ...)))


def test_nothing_changed() -> None:
    assert told(catalogue(f=(Tree, ...), g=(A | B, ...)), catalogue(f=(Tree, ...), g=(A | B, ...))) == (
        [],
        [],
    )


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (int, str, "t.happened.f: may be a text, and was a whole number"),
        (int, float, "t.happened.f: may be a number, and was a whole number"),
        (str, str | None, "t.happened.f: may be null, and was a text"),
        (Literal["x"], Literal["x", "y"], 't.happened.f: may be "y", and was "x"'),
        (Literal["x"], str, 't.happened.f: may be a text, and was "x"'),
        (Literal[1], Literal[True], "t.happened.f: may be true, and was 1"),
        (list[int], list[str], "t.happened.f[]: may be a text, and was a whole number"),
        (list[int], int, "t.happened.f: may be a whole number, and was a list"),
        (dict[str, int], dict[str, str], "t.happened.f.*: may be a text, and was a whole number"),
        (tuple[int, int], tuple[int, str], "t.happened.f[1]: may be a text, and was a whole number"),
        (tuple[int, int], tuple[int], "t.happened.f: began with 2 places and begins with 1"),
        (A, WiderA, "t.happened.f.x: may be null, and was a whole number"),
        (A | B, WiderA | B, "t.happened.f.x: may be null, and was a whole number"),
        (Tree, NamelessTree, "t.happened.f.name: this field is gone"),
        (int, Any, "t.happened.f: may be anything, and was a whole number"),
    ],
)
def test_what_clients_may_not_understand_breaks_them(before: Any, after: Any, what: str) -> None:
    assert what in of_field(before, after)[0]


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (float, int, []),
        (str | None, str, ["t.happened.f: is no longer null"]),
        (Literal["x", "y"], Literal["x"], ['t.happened.f: is no longer "y"']),
        (str, Literal["x"], []),
        (Any, int, []),
        (Any, A, []),
        (WiderA, A, ["t.happened.f.x: is no longer null"]),
        (A | B, A, []),
        (Tree, TreeWithSize, ["t.happened.f.size: a new field"]),
        (list[int | None], list[int], ["t.happened.f[]: is no longer null"]),
    ],
)
def test_what_was_possible_before_breaks_nobody(before: Any, after: Any, what: list[str]) -> None:
    assert of_field(before, after) == ([], what)


def test_fields_come_and_go() -> None:
    assert told(catalogue(f=(int, ...)), catalogue(f=(int, ...), g=(int, 0))) == (
        [],
        ["t.happened.g: a new field"],
    )
    assert told(catalogue(f=(int, ...), g=(int, 0)), catalogue(f=(int, ...))) == (
        ["t.happened.g: this field is gone"],
        [],
    )


def test_a_field_that_may_be_missing_now_breaks_clients() -> None:
    before, after = catalogue(f=(int, ...)), catalogue(f=(int, ...))
    [schema] = after.schemas.values()
    schema["required"] = []
    assert told(before, after) == (["t.happened.f: may be missing"], [])
    assert told(after, before) == ([], [])


def test_events_and_topics_come_and_go() -> None:
    one, other = catalogue(name="a"), catalogue(name="b")
    assert told(one, other) == (["t.a: this event is gone"], ["t.b: a new event"])
    empty = Catalogue((), {})
    assert told(one, empty) == (["t: this topic is gone"], [])
    assert told(empty, one) == ([], ["t: a new topic"])


def test_another_kind_of_topic_and_another_key_break_clients() -> None:
    assert told(catalogue("log", f=(str, ...)), catalogue("state", f=(str, ...)))[0] == [
        "t: was a log topic and is a state topic"
    ]
    assert told(catalogue(key="f", f=(str, ...)), catalogue(f=(str, ...)))[0] == [
        "t.happened: its key was f and is none"
    ]


def test_who_reads_all_that_there_are_meets_what_gets_a_name() -> None:
    assert of_field(dict[str, int], A) == (
        ['t.happened.f.kind: may be "a", and was a whole number'],
        ["t.happened.f.kind: a new field", "t.happened.f.x: a new field"],
    )
