"""From a message of the Bot API to the value that an export's message has, so that both are one where they are one.

In supergroups and channels a message has one number for everybody, so the bot's is the export's. Elsewhere each account
counts for itself: message 7 of the bot is another one than message 7 of who exports the same group. Those chats
are kept apart from an export's, by an id of their own.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import blake2s
from typing import Final

from pulse_radar.radar.bot.shapes import RawChat, RawEntity, RawMessage
from pulse_radar.radar.telegram import (
    Chat,
    Checklist,
    Entity,
    Kind,
    Media,
    Poll,
    PollAnswer,
    TelegramMessage,
)

__all__ = ["chat_of", "message_of"]

# What the Bot API adds to the number of a supergroup or channel before it turns its sign.
_CHANNEL_BASE: Final = 10**12

# Bytes of an id that we make: browsers count exactly to 2^53.
_OWN_ID_BYTES: Final = 6

# The same things in Telegram Desktop's words.
_ENTITIES: Final = {"url": "link", "text_mention": "mention_name", "phone_number": "phone"}
_MEDIA: Final = {
    "animation": "animation",
    "audio": "audio_file",
    "contact": "contact",
    "dice": "dice",
    "document": "file",
    "game": "game",
    "invoice": "invoice",
    "location": "location",
    "paid_media": "paid_media",
    "photo": "photo",
    "sticker": "sticker",
    "story": "story",
    "video": "video_file",
    "video_note": "video_message",
    "voice": "voice_message",
}


def message_of(raw: RawMessage, bot_id: int) -> TelegramMessage:
    """The value of a message that this bot saw."""
    text = raw.caption if raw.text is None else raw.text
    media = next((Media(kind) for name, kind in _MEDIA.items() if getattr(raw, name) is not None), None)
    says_something = text is not None or raw.poll or raw.checklist or media
    return TelegramMessage(
        chat=chat_of(raw.chat, bot_id),
        id=raw.message_id,
        kind=Kind.MESSAGE if says_something else Kind.SERVICE,
        date=datetime.fromtimestamp(raw.date, UTC),
        text=text or "",
        entities=_entities(text or "", raw.entities or raw.caption_entities),
        sender=_sender(raw),
        sender_id=_sender_id(raw),
        author=raw.author_signature,
        via_bot=raw.via_bot.username if raw.via_bot else None,
        reply_to=raw.reply_to_message.message_id if raw.reply_to_message else None,
        is_forwarded=raw.forward_origin is not None,
        media=media,
        poll=_poll(raw),
        checklist=_checklist(raw),
    )


def chat_of(raw: RawChat, bot_id: int) -> Chat:
    """The chat, under the id that an export has for it if their messages are the same."""
    if raw.type in ("supergroup", "channel"):
        kind = f"{'public' if raw.username else 'private'}_{raw.type}"
        return Chat(-raw.id - _CHANNEL_BASE, kind, raw.name)
    seen = f"{bot_id}:{raw.id}".encode()
    own_id = -int.from_bytes(blake2s(seen, digest_size=_OWN_ID_BYTES).digest())
    return Chat(own_id, "private_group" if raw.type == "group" else "personal_chat", raw.name)


def _sender(raw: RawMessage) -> str | None:
    if raw.sender_chat is not None:
        return raw.sender_chat.name
    return None if raw.sender is None else raw.sender.name


def _sender_id(raw: RawMessage) -> str | None:
    if raw.sender_chat is not None:
        return f"channel{-raw.sender_chat.id - _CHANNEL_BASE}"
    return None if raw.sender is None else f"user{raw.sender.id}"


def _entities(text: str, raw: Sequence[RawEntity]) -> tuple[Entity, ...]:
    units = text.encode("utf-16-le", "surrogatepass")
    return tuple(_entity(units, one) for one in raw)


def _entity(units: bytes, raw: RawEntity) -> Entity:
    text = units[2 * raw.offset : 2 * (raw.offset + raw.length)].decode("utf-16-le", "replace")
    user_id = raw.user and str(raw.user.id)
    return Entity(
        _ENTITIES.get(raw.type, raw.type), text, raw.url or user_id or raw.language or raw.custom_emoji_id
    )


def _poll(raw: RawMessage) -> Poll | None:
    if raw.poll is None:
        return None
    answers = tuple(PollAnswer(option.text, option.voter_count) for option in raw.poll.options)
    return Poll(raw.poll.question, answers, raw.poll.total_voter_count, raw.poll.is_closed)


def _checklist(raw: RawMessage) -> Checklist | None:
    if raw.checklist is None:
        return None
    return Checklist(raw.checklist.title, tuple(task.text for task in raw.checklist.tasks))
