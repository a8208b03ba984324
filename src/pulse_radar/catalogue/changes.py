"""What changed from one catalogue to a later one, and whether a client of the former would still understand."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

from pulse_radar.catalogue.declared import Catalogue, DeclaredEvent, DeclaredTopic, Schema

__all__ = ["Change", "changes"]

_KINDS: Final = {
    "string": "a text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_ANYTHING: Final = "anything"
_LIST, _OBJECT = _KINDS["array"], _KINDS["object"]


class Change(msgspec.Struct, frozen=True):
    """One difference. It breaks clients that may now meet what they were not written for."""

    where: str
    what: str
    is_breaking: bool

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def changes(before: Catalogue, after: Catalogue) -> list[Change]:
    """The differences, topic by topic."""
    return list(_Comparison(before, after).of_topics())


class _Comparison:
    """Two catalogues, each the dictionary of its own references."""

    def __init__(self, before: Catalogue, after: Catalogue) -> None:
        self._before = before
        self._after = after
        # Pairs that are being compared: a model that holds itself is as its holder is.
        self._open: set[tuple[int, int]] = set()

    def of_topics(self) -> Iterator[Change]:
        before = {topic.name: topic for topic in self._before.topics}
        after = {topic.name: topic for topic in self._after.topics}
        for name in _both(before, after):
            if name not in after:
                yield Change(name, "this topic is gone", True)
            elif name not in before:
                yield Change(name, "a new topic", False)
            else:
                yield from self._of_topic(before[name], after[name])

    def _of_topic(self, old: DeclaredTopic, new: DeclaredTopic) -> Iterator[Change]:
        if old.kind != new.kind:
            yield Change(old.name, f"was a {old.kind} topic and is a {new.kind} topic", True)
        before = {event.name: event for event in old.events}
        after = {event.name: event for event in new.events}
        for name in _both(before, after):
            where = f"{old.name}.{name}"
            if name not in after:
                yield Change(where, "this event is gone", True)
            elif name not in before:
                yield Change(where, "a new event", False)
            else:
                yield from self._of_event(where, before[name], after[name])

    def _of_event(self, where: str, old: DeclaredEvent, new: DeclaredEvent) -> Iterator[Change]:
        if old.key_field != new.key_field:
            yield Change(
                where, f"its key was {old.key_field or 'none'} and is {new.key_field or 'none'}", True
            )
        yield from self._of_values(where, old.data, new.data)

    # Values: whatever may come now must be what could have come before.

    def _of_values(self, where: str, old: Schema, new: Schema) -> Iterator[Change]:
        before, after = _choices(self._before, old), _choices(self._after, new)
        told = [change for choice in after for change in self._of_choice(where, before, choice)]
        yield from told
        if any(change.where == where and change.is_breaking for change in told):
            # That it was something else is said there.
            return
        for choice in before:
            if not any(_covers(choice, kept) or _covers(kept, choice) for kept in after):
                yield Change(where, f"is no longer {_shown(choice)}", False)

    def _of_choice(self, where: str, before: Sequence[Schema], choice: Schema) -> Iterator[Change]:
        """The differences from what it could have been, and from the likest where it could have been several."""
        covering = [old for old in before if _covers(old, choice)]
        if not covering:
            was = " or ".join(dict.fromkeys(map(_shown, before))) or "nothing"
            yield Change(where, f"may be {_shown(choice)}, and was {was}", True)
        elif _kind(choice) in (_LIST, _OBJECT):
            told = [list(self._of_alike(where, old, choice)) for old in covering]
            yield from min(told, key=lambda some: sum(change.is_breaking for change in some))

    def _of_alike(self, where: str, old: Schema, new: Schema) -> Iterator[Change]:
        pair = (id(old), id(new))
        if pair in self._open or _kind(old) == _ANYTHING:
            return
        self._open.add(pair)
        yield from (
            self._of_items(where, old, new) if _kind(new) == _LIST else self._of_fields(where, old, new)
        )
        self._open.discard(pair)

    def _of_items(self, where: str, old: Schema, new: Schema) -> Iterator[Change]:
        before, after = old.get("prefixItems", []), new.get("prefixItems", [])
        if len(before) != len(after):
            yield Change(where, f"began with {len(before)} places and begins with {len(after)}", True)
        for index, (was, becomes) in enumerate(zip(before, after, strict=False)):
            yield from self._of_values(f"{where}[{index}]", was, becomes)
        yield from self._of_values(f"{where}[]", old.get("items") or {}, new.get("items") or {})

    def _of_fields(self, where: str, old: Schema, new: Schema) -> Iterator[Change]:
        before, after = old.get("properties", {}), new.get("properties", {})
        unnamed = _others(old)
        for name in _both(before, after):
            here = f"{where}.{name}"
            if name not in after:
                yield Change(here, "this field is gone", True)
            elif name not in before:
                yield Change(here, "a new field", False)
                # Whoever reads all that there are, by whatever name, meets it.
                yield from self._of_values(here, unnamed, after[name])
            else:
                if name in old.get("required", ()) and name not in new.get("required", ()):
                    yield Change(here, "may be missing", True)
                yield from self._of_values(here, before[name], after[name])
        if "additionalProperties" in new or not (before or after):
            yield from self._of_values(f"{where}.*", unnamed, _others(new))


def _both(before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    return list(dict.fromkeys([*before, *after]))


def _others(schema: Schema) -> Schema:
    """What the values of an object without named fields are."""
    values = schema.get("additionalProperties")
    return values if isinstance(values, dict) else {}


def _choices(catalogue: Catalogue, schema: Schema) -> list[Schema]:
    """What a value may be, one by one: an enumeration is as many as it has members."""
    schema = catalogue.resolve(schema)
    match schema:
        case {"anyOf": list(parts)} | {"oneOf": list(parts)}:
            return [choice for part in parts for choice in _choices(catalogue, part)]
        case {"enum": list(values)}:
            return [{"const": value} for value in values]
        case _:
            return [schema]


def _covers(old: Schema, new: Schema) -> bool:
    """Whether whoever understands the old one may meet the new one; what is inside is looked at by itself."""
    kinds = _kind(old), _kind(new)
    if kinds[0] == _ANYTHING or kinds == (_KINDS["number"], _KINDS["integer"]):
        return True
    if kinds[0] != kinds[1]:
        return False
    return "const" not in old or ("const" in new and bool(old["const"] == new["const"]))


def _kind(schema: Schema) -> str:
    if "const" in schema:
        return _KINDS[_JSON_TYPES[type(schema["const"])]]
    return _KINDS.get(schema.get("type", ""), _ANYTHING)


_JSON_TYPES: Final = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def _shown(schema: Schema) -> str:
    return json.dumps(schema["const"]) if "const" in schema else _kind(schema)
