"""JSON as a type, and the check that a value means the same in Python and in JavaScript."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, TypeAlias, Union

import msgspec

from pulse_radar.errors import InvalidEvent

__all__ = ["EXACT_INTEGER", "MAX_DEPTH", "JsonValue", "check_depth", "encode_data"]

# Mapping and Sequence, not dict and list: a typed dict of a narrower type is JSON, too.
JsonValue: TypeAlias = Union[bool, int, float, str, Sequence["JsonValue"], Mapping[str, "JsonValue"], None]  # noqa: UP007

# Beyond this a JavaScript number silently becomes another one.
EXACT_INTEGER: Final = 2**53

# A path is as long as the names in it, and an error is read by a person.
_PATH_LENGTH: Final = 200

# Where a value is: the place that it is in, and its name or index there. Only an error makes a path of it: one for each
# value would take the square of the data's size.
_Step: TypeAlias = str | int
_Place: TypeAlias = tuple["_Place | None", _Step]

# Browsers' parsers go deeper; nobody's event should.
MAX_DEPTH: Final = 64


def encode_data(data: JsonValue) -> bytes:
    """The JSON of an event's data, refused where a reader would see another value than the writer.

    Raises: InvalidEvent, naming the place: `data.items[3].price is nan, which …`.
    Cost: one visit to each value.
    """
    if not _is_plain(data, MAX_DEPTH):
        _look_closely(data)
    try:
        return msgspec.json.encode(data, enc_hook=_plain)
    except UnicodeEncodeError:
        _look_closely(data)
        raise


def _is_plain(value: object, levels: int) -> bool:
    """Whether there is nothing in it that asks for a closer look: no odd number, name or type, and not too deep.

    Lone surrogates the encoder finds. Looking at each value closely took half of the time of making an event.
    """
    if value is None or type(value) is str or type(value) is bool:
        return True
    if type(value) is int:
        return -EXACT_INTEGER <= value <= EXACT_INTEGER
    if type(value) is float:
        return math.isfinite(value)
    if levels == 0:
        return False
    if type(value) is dict:
        return all(type(name) is str and _is_plain(member, levels - 1) for name, member in value.items())
    if type(value) is list or type(value) is tuple:
        return all(_is_plain(member, levels - 1) for member in value)
    return False


def _look_closely(data: object) -> None:
    """Raises: InvalidEvent, where something in it cannot travel."""
    # Depth first with a stack of our own: nesting must not become recursion.
    pending: list[tuple[_Place, int, object]] = [((None, "data"), 0, data)]
    while pending:
        place, depth, value = pending.pop()
        pending.extend(((place, step), depth + 1, child) for step, child in _children(place, value))
        if depth > MAX_DEPTH:
            raise _refusal(place, f"is nested deeper than {MAX_DEPTH} levels")


def check_depth(data: JsonValue) -> None:
    """Refuse what is nested too deep for every reader. Raises: InvalidEvent. Cost: one visit to each value."""
    layer: list[JsonValue] = [data]
    for _ in range(MAX_DEPTH + 1):
        layer = [child for value in layer for child in _inside(value)]
        if not layer:
            return
    raise _refusal((None, "data"), f"is nested deeper than {MAX_DEPTH} levels")


def _inside(value: JsonValue) -> Iterable[JsonValue]:
    match value:
        case Mapping():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _children(place: _Place, value: object) -> Iterable[tuple[_Step, object]]:
    """The values inside `value`, each with the step to it; a value that cannot travel raises."""
    match value:
        case None | bool():
            pass
        case str():
            _check_text(place, value)
        case int():
            _check_integer(place, value)
        case float():
            _check_float(place, value)
        case Mapping():
            return _members(place, value)
        case list() | tuple():
            return enumerate(value)
        case _:
            raise _refusal(place, f"is a {type(value).__name__}, which JSON has not: send it as text")
    return ()


def _members(place: _Place, value: Mapping[object, object]) -> Iterator[tuple[_Step, object]]:
    for name, member in value.items():
        if not isinstance(name, str):
            raise _refusal(place, f"has the name {name!r:.80}: names in JSON are text")
        _check_text(place, name)
        yield name, member


def _check_text(place: _Place, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _refusal(place, "holds a lone surrogate, which UTF-8 has not") from None


def _check_integer(place: _Place, value: int) -> None:
    if not -EXACT_INTEGER <= value <= EXACT_INTEGER:
        raise _refusal(place, "is an integer beyond 2^53, which browsers round: send it as text")


def _check_float(place: _Place, value: float) -> None:
    if not math.isfinite(value):
        raise _refusal(place, f"is {value}, which JSON has not: send null or text")


def _refusal(place: _Place, why: str) -> InvalidEvent:
    return InvalidEvent(f"{_path(place)[:_PATH_LENGTH]} {why}")


def _path(place: _Place) -> str:
    """The place as one reads it: `data.items[3].price`."""
    before, step = place
    if before is None:
        return str(step)
    return _path(before) + (f"[{step}]" if isinstance(step, int) else f".{step}")


def _plain(value: object) -> JsonValue:
    """What msgspec does not know by itself: a subclass of a type that it does, or another mapping than dict."""
    match value:
        case Mapping():
            return dict(value)
        case str():
            return "".join(value)
        case int():
            return int(value)
        case _:
            assert isinstance(value, float), "all else was refused before"
            return float(value)
