"""A message as old exports (about until 2021) had it: local times only, numbers for people, no entities."""

from typing import Final

from pulse_radar.testing.telegram_exports.speech import JsonObject

__all__ = ["as_old"]

_NOT_YET: Final = frozenset(
    {
        "date_unixtime",
        "edited_unixtime",
        "text_entities",
        "reactions",
        "reply_to_peer_id",
        "forwarded_from_id",
        "inline_bot_buttons",
        "photo_file_size",
        "file_name",
        "file_size",
        "media_spoiler",
    }
)

_PEOPLE: Final = frozenset({"from_id", "actor_id"})

# What a message that was never edited said, by the clock of the computer that exported.
_NEVER: Final = "1970-01-01T02:00:00"


def as_old(message: JsonObject) -> JsonObject:
    """The same message from an old Telegram Desktop."""
    if message["type"] == "unsupported":
        return message
    old = {name: _number(value) if name in _PEOPLE else value for name, value in message.items()}
    frame = {name: old.pop(name) for name in ("id", "type", "date")}
    edited = old.pop("edited", _NEVER)
    return {**frame, "edited": edited, **{name: old[name] for name in old if name not in _NOT_YET}}


def _number(peer: object) -> int:
    """`user5` as the number it was before: its kind in the bits above the thirty-second."""
    text = str(peer)
    kind = 1 if text.startswith("user") else 2
    return (kind << 32) + int("".join(filter(str.isdigit, text))) % (1 << 32)
