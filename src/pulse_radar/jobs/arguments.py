"""What of a job's arguments and results may be shown: as JSON, without what is secret, and not too much of it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import msgspec

from pulse_radar.errors import InvalidEvent
from pulse_radar.jobs.life import Arguments
from pulse_radar.jobs.texts import told_text
from pulse_radar.protocol.json_value import JsonValue, encode_data

__all__ = ["SECRETS", "Redact", "shown_arguments", "shown_value"]

# Names of arguments that are shown as "***", wherever they are a part of the name.
SECRETS: Final = ("password", "passwd", "secret", "token", "key", "authorization", "cookie", "credential")

# By names, or by a function that is told a name and its value and answers what to show.
Redact: TypeAlias = Iterable[str] | Callable[[str, JsonValue], JsonValue]

# Every subscriber gets a copy of what is shown, with each event of the job.
_LIMIT_BYTES: Final = 4_096

_HIDDEN: Final = "***"

_decode: Final = msgspec.json.Decoder().decode


def shown_arguments(
    args: Sequence[object], kwargs: Mapping[str, object], names: Sequence[str], redact: Redact
) -> Arguments:
    """What to show of a call; `names` are those of the positional arguments, as far as they are known.

    Raises: whatever a function that redacts raises.
    """
    veil = _Veil(redact)
    try:
        positional = [
            veil.over(names[place] if place < len(names) else str(place), _plain(value))
            for place, value in enumerate(args)
        ]
        named = {name: veil.over(name, _plain(value)) for name, value in kwargs.items()}
        size = len(encode_data([positional, named]))
    except InvalidEvent as error:
        return Arguments(withheld=f"they are not JSON: {error}")
    if size > _LIMIT_BYTES:
        return Arguments(withheld=f"they have {size} bytes of JSON, and at most {_LIMIT_BYTES} are told")
    return Arguments(tuple(positional), named, "some of them are secret" if veil.hid else None)


def shown_value(value: object) -> JsonValue:
    """What to show of a result: as JSON, or the beginning of its text."""
    try:
        plain = _plain(value)
        if len(encode_data(plain)) <= _LIMIT_BYTES:
            return plain
    except InvalidEvent:
        pass
    return told_text(str(value), _LIMIT_BYTES)


class _Veil:
    """Hides what is secret, at any depth; `hid` says whether there was anything."""

    def __init__(self, redact: Redact) -> None:
        self.hid = False
        self._redact = redact if callable(redact) else None
        self._names = () if callable(redact) else tuple(name.lower() for name in redact)

    def over(self, name: str, value: JsonValue) -> JsonValue:
        shown = self._shown(name, value)
        self.hid = self.hid or shown != value
        return shown

    def _shown(self, name: str, value: JsonValue) -> JsonValue:
        if self._redact is not None:
            return self._redact(name, value)
        if any(secret in name.lower() for secret in self._names):
            return _HIDDEN
        match value:
            case Mapping():
                return {inner: self._shown(inner, one) for inner, one in value.items()}
            case list() | tuple():
                return [self._shown(name, one) for one in value]
            case _:
                return value


def _plain(value: object) -> JsonValue:
    """The value as every reader of its JSON has it. Raises: InvalidEvent, also where that would be another value."""
    plain: JsonValue = _decode(encode_data(value))  # type: ignore[arg-type]  # that is what it finds out
    return plain
