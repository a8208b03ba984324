"""What an export says, as values: a message with all that a job or a knowledge extractor needs of it."""

from datetime import datetime
from enum import StrEnum

import msgspec

__all__ = [
    "Action",
    "Chat",
    "Checklist",
    "Entity",
    "Kind",
    "Location",
    "Media",
    "Poll",
    "PollAnswer",
    "Reaction",
    "TelegramMessage",
]


class Kind(StrEnum):
    """What sort of message it is."""

    MESSAGE = "message"
    SERVICE = "service"  # the chat reports about itself: somebody joined, a message was pinned
    UNSUPPORTED = "unsupported"  # Telegram Desktop knew no more of it than its id, or we know no such sort


class Chat(msgspec.Struct, frozen=True, gc=False):
    """A chat of the export.

    `id` is unique among the chats of an account. `kind` is Telegram Desktop's word (`private_supergroup`,
    `saved_messages`, …). `name` is None for saved messages and for deleted accounts.
    """

    id: int
    kind: str | None = None
    name: str | None = None

    def __str__(self) -> str:
        return f"chat {self.id}" if self.name is None else f"chat {self.id} ({self.name[:60]!r})"


class Entity(msgspec.Struct, frozen=True, gc=False):
    """A marked stretch of the text: a link, a mention, code.

    `kind` is Telegram Desktop's word (`text_link`, `hashtag`, …). `detail` is what the text itself does not
    say: the address of a `text_link`, the user's id of a `mention_name`, the file or id of a `custom_emoji`, the
    language of a `pre`.
    """

    kind: str
    text: str
    detail: str | None = None


class Reaction(msgspec.Struct, frozen=True, gc=False):
    """How many reacted with what: `symbol` is the emoji, a custom emoji's file or id, or None for paid stars."""

    kind: str
    count: int
    symbol: str | None = None


class Location(msgspec.Struct, frozen=True, gc=False):
    """A place on earth. Units: degrees."""

    latitude: float
    longitude: float


class Media(msgspec.Struct, frozen=True, gc=False):
    """What is attached to a message.

    `kind` is `photo`, `file`, `contact`, `location`, `game`, `invoice` or Telegram Desktop's `media_type`.
    `path` is relative to the export and None where the file was not exported. `title` names it (a file's
    name, a performer and song, a person, a place, a sticker's emoji), `description` says more (a phone
    number, an address, a game's or invoice's text).
    """

    kind: str
    path: str | None = None
    title: str | None = None
    description: str | None = None
    mime_type: str | None = None
    size_bytes: int | None = None
    duration_seconds: float | None = None
    location: Location | None = None


class PollAnswer(msgspec.Struct, frozen=True, gc=False):
    """One answer of a poll; `is_chosen` by the owner of the export."""

    text: str
    voters: int = 0
    is_chosen: bool = False


class Poll(msgspec.Struct, frozen=True, gc=False):
    """A question to the chat and how it was answered."""

    question: str
    answers: tuple[PollAnswer, ...] = ()
    total_voters: int = 0
    is_closed: bool = False


class Checklist(msgspec.Struct, frozen=True, gc=False):
    """A list of things to do, shared in the chat."""

    title: str
    items: tuple[str, ...] = ()


class Action(msgspec.Struct, frozen=True, gc=False):
    """What a service message reports.

    `name` is Telegram Desktop's word (`pin_message`, …), None for a bot's own report. `members` holds None
    for deleted accounts. `message_id` is the message it is about. `note` is why a call ended, or a bot's
    report.
    """

    name: str | None = None
    title: str | None = None
    members: tuple[str | None, ...] = ()
    message_id: int | None = None
    duration_seconds: float | None = None
    note: str | None = None


class TelegramMessage(msgspec.Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One message of an export.

    Guarantee: `(chat.id, id)` names it, also across exports. Ids are unique only within a chat, and negative
    for history taken over from the group that a supergroup grew out of; an export may say a message twice.

    `date` and `edited` are in UTC; `date` is None only for `Kind.UNSUPPORTED`. `sender` is None for a deleted
    account, whose `sender_id` (`user123`, `channel123`) may still be known. `author` signed a channel's post.
    `reply_to` is an id in this chat, or in `reply_to_chat` (`channel123`) where that is given.
    `forwarded_from` may be None for a forwarded message: `is_forwarded` tells. `action` is there for
    `Kind.SERVICE`.
    """

    chat: Chat
    id: int
    kind: Kind
    date: datetime | None
    text: str = ""
    entities: tuple[Entity, ...] = ()
    sender: str | None = None
    sender_id: str | None = None
    author: str | None = None
    via_bot: str | None = None
    reply_to: int | None = None
    reply_to_chat: str | None = None
    is_forwarded: bool = False
    forwarded_from: str | None = None
    edited: datetime | None = None
    reactions: tuple[Reaction, ...] = ()
    media: Media | None = None
    poll: Poll | None = None
    checklist: Checklist | None = None
    action: Action | None = None
