"""Data means the same in Python and in JavaScript, or is refused with the place where it would not."""

import datetime
import decimal
import enum
import json
import tracemalloc
import types
from collections import OrderedDict, UserDict, deque

import pytest
from hypothesis import given

from pulse_radar.errors import InvalidEvent
from pulse_radar.protocol.json_value import JsonValue, encode_data
from tests.protocol.strategies import json_values, lightly


class Text(str):
    __slots__ = ()


class Number(int):
    pass


class Share(float):
    pass


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Named(enum.Enum):
    ONE = 1


@lightly
@given(json_values)
def test_data_comes_back_as_it_went(data: JsonValue) -> None:
    assert json.loads(encode_data(data)) == data


def test_the_greatest_exact_integers_travel_and_the_next_ones_do_not() -> None:
    assert encode_data([2**53, -(2**53)]) == b"[9007199254740992,-9007199254740992]"
    for number in (2**53 + 1, -(2**53) - 1, 10**100):
        with pytest.raises(InvalidEvent, match=r"data is an integer beyond 2\^53.*send it as text"):
            encode_data(number)


def test_what_is_nearly_a_known_type_travels_as_it() -> None:
    data: JsonValue = {
        "text": Text("x"),
        "number": Number(5),
        "share": Share(0.5),
        "colour": Colour.RED,
        "level": Level.HIGH,
        "pair": (1, 2),
        "proxy": types.MappingProxyType({"a": 1}),
        "user": UserDict({Text("b"): [Number(2)]}),
        "ordered": OrderedDict(c=3),
    }
    assert json.loads(encode_data(data)) == {
        "text": "x",
        "number": 5,
        "share": 0.5,
        "colour": "red",
        "level": 3,
        "pair": [1, 2],
        "proxy": {"a": 1},
        "user": {"b": [2]},
        "ordered": {"c": 3},
    }


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (float("nan"), "data is nan, which JSON has not"),
        ({"load": [0.5, float("inf")]}, r"data\.load\[1\] is inf, which JSON has not"),
        ({"items": [{}, {"price": -float("inf")}]}, r"data\.items\[1\]\.price is -inf"),
        ({"at": datetime.date(2026, 1, 1)}, r"data\.at is a date, which JSON has not: send it as text"),
        ([decimal.Decimal(1)], r"data\[0\] is a Decimal"),
        ({"raw": b"x"}, r"data\.raw is a bytes"),
        ({"set": {1}}, r"data\.set is a set"),
        ([range(2)], r"data\[0\] is a range"),
        (deque([1]), "data is a deque"),
        (Named.ONE, "data is a Named"),
        (object, "data is a type"),
        ({7: 1}, "data has the name 7: names in JSON are text"),
        ({"a": {None: 1}}, r"data\.a has the name None"),
        ("\ud800", "data holds a lone surrogate"),
        (["ok", "\udfff"], r"data\[1\] holds a lone surrogate"),
        ({"\ud800": 1}, "data holds a lone surrogate"),
    ],
)
def test_what_cannot_travel_is_refused_with_its_place(data: JsonValue, message: str) -> None:
    with pytest.raises(InvalidEvent, match=f"^{message}"):
        encode_data(data)


def test_data_is_nested_64_deep_and_no_deeper() -> None:
    assert encode_data(nested(64)) == b"[" * 64 + b"0" + b"]" * 64
    with pytest.raises(InvalidEvent, match="is nested deeper than 64 levels"):
        encode_data(nested(65))


def test_depth_does_not_become_recursion() -> None:
    with pytest.raises(InvalidEvent, match="is nested deeper than 64 levels"):
        encode_data(nested(10_000))


def test_data_that_holds_itself_is_refused() -> None:
    ring: list[JsonValue] = []
    ring.append(ring)
    with pytest.raises(InvalidEvent, match="is nested deeper than 64 levels"):
        encode_data(ring)


def test_a_long_path_is_cut_for_whoever_reads_the_error() -> None:
    with pytest.raises(InvalidEvent) as caught:
        encode_data({"x" * 100_000: float("nan")})
    assert len(str(caught.value)) < 300


def nested(levels: int) -> JsonValue:
    data: JsonValue = 0
    for _ in range(levels):
        data = [data]
    return data


def test_checking_takes_memory_in_proportion_to_the_data() -> None:
    """A long name with many values under it is not copied for each of them."""
    data: JsonValue = {"n" * 60_000: [0] * 3_000}
    tracemalloc.start()
    try:
        encoded = encode_data(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * len(encoded)
