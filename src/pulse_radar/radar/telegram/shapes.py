"""The JSON of a message as Telegram Desktop writes it: every key that is read is named in this file.

Source: Telegram Desktop's `export_output_json.cpp`, from its first version to today's. A key
that is not named here may hold anything. A key that is named must hold what is written here or be missing,
so that a file of another make is told from an export instead of being read wrongly.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType, field

__all__ = [
    "RawAnswer",
    "RawChat",
    "RawChecklist",
    "RawContact",
    "RawEntity",
    "RawInvoice",
    "RawMessage",
    "RawPoll",
    "RawReaction",
    "RawText",
    "decode_chat",
    "decode_message",
    "mended",
]


class RawEntity(msgspec.Struct, gc=False):
    """A stretch of text. What `user_id` and the others say was text in some years, a number in others."""

    type: str = "plain"
    text: str = ""
    href: str | None = None
    user_id: int | str | None = None
    document_id: int | str | None = None
    language: str | None = None


_T = TypeVar("_T")

# Telegram's numbers have 64 bits, and so have those of databases.
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
# What Telegram Desktop writes has twenty characters; more is somebody else's, and no database has the room.
ShortText = Annotated[str, msgspec.Meta(max_length=40)]

RawText = str | list[str | RawEntity] | None


class RawReaction(msgspec.Struct, gc=False):
    """How many reacted with an emoji, a custom emoji (by its document) or paid stars."""

    type: str = "emoji"
    count: int = 0
    emoji: str | None = None
    document_id: int | str | None = None


class RawAnswer(msgspec.Struct, gc=False):
    text: RawText = None
    voters: int = 0
    chosen: bool = False


class RawPoll(msgspec.Struct, gc=False):
    question: RawText = None
    closed: bool = False
    total_voters: int = 0
    answers: list[RawAnswer] = []


class RawTask(msgspec.Struct, gc=False):
    text: RawText = None


class RawChecklist(msgspec.Struct, gc=False):
    title: RawText = None
    answers: list[RawTask] = []


class RawContact(msgspec.Struct, gc=False):
    first_name: str | None = None
    last_name: str | None = None
    phone_number: str | None = None


class RawLocation(msgspec.Struct, gc=False):
    latitude: float
    longitude: float


class RawInvoice(msgspec.Struct, gc=False):
    title: str | None = None
    description: str | None = None


class RawMessage(msgspec.Struct, gc=False):
    """A message. `id` alone is always there."""

    id: Number
    type: str = "message"
    # Local time of the computer that exported, as 2019-05-01T12:00:00; newer exports have seconds since 1970, too.
    date: str | None = None
    date_unixtime: str | int | None = None
    edited: str | None = None
    edited_unixtime: str | int | None = None
    # Who wrote it, and who did what a service message reports.
    sender: str | None = field(name="from", default=None)
    sender_id: ShortText | Number | None = field(name="from_id", default=None)
    actor: str | None = None
    actor_id: ShortText | Number | None = None
    author: str | None = None
    via_bot: str | None = None
    # What it says. Newer exports say it twice, `text_entities` being the more regular.
    text: RawText = None
    text_entities: list[RawEntity] | None = None
    rich_message: dict[str, object] | None = None
    # What it refers to. `forwarded_from: null` is a forward, too.
    reply_to_message_id: Number | None = None
    reply_to_peer_id: str | int | None = None
    forwarded_from: str | UnsetType | None = UNSET
    reactions: list[RawReaction] | None = None
    # What a service message reports; `title` also names a song.
    action: str | None = None
    title: str | None = None
    new_title: str | None = None
    members: list[str | None] | None = None
    message_id: int | None = None
    game_message_id: int | None = None
    invoice_message_id: int | None = None
    duration: float | None = None
    discard_reason: str | None = None
    information_text: str | None = None
    # What is attached.
    photo: str | None = None
    photo_file_size: int | None = None
    file: str | None = None
    file_name: str | None = None
    file_size: int | None = None
    media_type: str | None = None
    mime_type: str | None = None
    duration_seconds: float | None = None
    performer: str | None = None
    sticker_emoji: str | None = None
    contact_information: RawContact | None = None
    location_information: RawLocation | UnsetType | None = UNSET
    place_name: str | None = None
    address: str | None = None
    game_title: str | None = None
    game_description: str | None = None
    # An object within a text: Telegram Desktop quotes it once too often.
    invoice_information: str | RawInvoice | None = None
    poll: RawPoll | None = None
    todo_list: RawChecklist | None = None


class RawChat(msgspec.Struct, gc=False):
    """What is said of a chat beside its messages. Saved messages have no name, deleted accounts null."""

    id: Number
    type: ShortText | None = None
    name: str | None = None


_message_decoder: Final = msgspec.json.Decoder(RawMessage)
_chat_decoder: Final = msgspec.json.Decoder(RawChat)

# An escape: of two characters, or a control character's number after an x.
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|.)", re.DOTALL)


def decode_message(json: bytes) -> RawMessage:
    """The message that these bytes are.

    Raises: msgspec.ValidationError when it has another shape, msgspec.DecodeError or UnicodeDecodeError
    when it is not JSON.
    """
    return _decode(_message_decoder, json)


def decode_chat(members: Mapping[str, bytes]) -> RawChat:
    """The chat of which these are the members, each as its bytes. Raises: as `decode_message`."""
    return _decode(_chat_decoder, _object(members))


def _object(members: Mapping[str, bytes]) -> bytes:
    return b"{%b}" % b",".join(b'"%b":%b' % (name.encode(), json) for name, json in members.items())


def _decode(decoder: msgspec.json.Decoder[_T], json: bytes) -> _T:
    try:
        return decoder.decode(json)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        json_now = mended(json)
        if json_now == json:
            raise
        return decoder.decode(json_now)


def mended(json: bytes) -> bytes:
    """With `\\x01` as JSON has it: Telegram Desktop writes control characters so.

    Source: telegramdesktop/tdesktop#27571.
    """
    return _ESCAPE.sub(lambda escape: b"\\u00" + escape[1] if escape[1] else escape[0], json)
