"""From a message's JSON to its value: what is written in five ways in five years is said here in one."""

from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from typing import Final

from msgspec import UNSET

from pulse_radar.radar.telegram.attachments import exported, media_of
from pulse_radar.radar.telegram.rich_text import rich_text
from pulse_radar.radar.telegram.shapes import (
    RawChecklist,
    RawEntity,
    RawMessage,
    RawPoll,
    RawReaction,
    RawText,
)
from pulse_radar.radar.telegram.values import (
    Action,
    Chat,
    Checklist,
    Entity,
    Kind,
    Poll,
    PollAnswer,
    Reaction,
    TelegramMessage,
)

__all__ = ["WrongShape", "message_of"]

# A kind that is not known yet is as good as one that Telegram Desktop cannot say.
_KINDS: Final = {"message": Kind.MESSAGE, "service": Kind.SERVICE}

# Old exports wrote a sender as a number: a bare one, then users with this bit and chats with the next.
_USER_BIT: Final = 1 << 32


class WrongShape(ValueError):
    """The message cannot be what Telegram Desktop wrote; the text says why."""


def message_of(raw: RawMessage, chat: Chat, timezone: tzinfo) -> TelegramMessage:
    """The value of a message. Raises: WrongShape."""
    kind = _KINDS.get(raw.type, Kind.UNSUPPORTED)
    date = _time(raw.date_unixtime, raw.date, timezone, "date")
    if date is None and kind is not Kind.UNSUPPORTED:
        raise WrongShape("it has no date")
    return TelegramMessage(
        chat=chat,
        id=raw.id,
        kind=kind,
        date=date,
        text=_text(raw),
        entities=_entities(raw),
        sender=raw.sender or raw.actor,
        sender_id=_peer(raw.sender_id or raw.actor_id),
        author=raw.author,
        via_bot=raw.via_bot,
        reply_to=raw.reply_to_message_id,
        reply_to_chat=_peer(raw.reply_to_peer_id),
        is_forwarded=raw.forwarded_from is not UNSET,
        forwarded_from=raw.forwarded_from or None,
        edited=_edited(raw, date, timezone),
        reactions=_reactions(raw.reactions),
        media=media_of(raw),
        poll=_poll(raw.poll),
        checklist=_checklist(raw.todo_list),
        action=_action(raw) if kind is Kind.SERVICE else None,
    )


def _time(seconds: str | int | None, local: str | None, timezone: tzinfo, what: str) -> datetime | None:
    """The time in UTC: from seconds since 1970, or else from local time in `timezone`."""
    try:
        if seconds is not None:
            return datetime.fromtimestamp(int(seconds), UTC)
        if local is None:
            return None
        naive = datetime.fromisoformat(local)
        return (naive if naive.tzinfo else naive.replace(tzinfo=timezone)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        written = local if seconds is None else seconds
        raise WrongShape(f"its {what} {str(written)[:60]!r} is not a time") from None


def _edited(raw: RawMessage, date: datetime | None, timezone: tzinfo) -> datetime | None:
    edited = _time(raw.edited_unixtime, raw.edited, timezone, "time of editing")
    # Old exports wrote of a message that was never edited that it was edited in 1970.
    return None if edited is None or (date is not None and edited < date) else edited


def _peer(written: str | int | None) -> str | None:
    """`user123`, `chat123` or `channel123`; a bare number, as in old exports, is a user."""
    if not isinstance(written, int):
        return written or None
    return f"user{written % _USER_BIT}" if 0 <= written < 2 * _USER_BIT else str(written)


def _text(raw: RawMessage) -> str:
    if raw.rich_message is not None:
        return rich_text(raw.rich_message)
    return _flat(raw.text_entities if raw.text is None else raw.text)


def _flat(text: RawText | list[RawEntity]) -> str:
    if isinstance(text, str):
        return text
    return "".join([part if isinstance(part, str) else part.text for part in text or ()])


def _entities(raw: RawMessage) -> tuple[Entity, ...]:
    parts: Sequence[str | RawEntity] = raw.text_entities or (raw.text if isinstance(raw.text, list) else ())
    return tuple([_entity(part) for part in parts if not isinstance(part, str) and part.type != "plain"])


def _entity(raw: RawEntity) -> Entity:
    detail = raw.href or raw.user_id or raw.document_id or raw.language
    return Entity(raw.type, raw.text, _detail(detail))


def _detail(written: str | int | None) -> str | None:
    # A custom emoji is named by its file; that may not have been exported.
    return exported(str(written)) if written else None


def _reactions(raw: list[RawReaction] | None) -> tuple[Reaction, ...]:
    return tuple([_reaction(reaction) for reaction in raw]) if raw else ()


def _reaction(raw: RawReaction) -> Reaction:
    return Reaction(raw.type, raw.count, _detail(raw.emoji or raw.document_id))


def _poll(raw: RawPoll | None) -> Poll | None:
    if raw is None:
        return None
    answers = tuple(PollAnswer(_flat(answer.text), answer.voters, answer.chosen) for answer in raw.answers)
    return Poll(_flat(raw.question), answers, raw.total_voters, raw.closed)


def _checklist(raw: RawChecklist | None) -> Checklist | None:
    if raw is None:
        return None
    return Checklist(_flat(raw.title), tuple(_flat(task.text) for task in raw.answers))


def _action(raw: RawMessage) -> Action:
    return Action(
        name=raw.action,
        title=raw.title or raw.new_title,
        members=tuple(raw.members or ()),
        message_id=raw.message_id or raw.game_message_id or raw.invoice_message_id,
        duration_seconds=raw.duration if raw.duration_seconds is None else raw.duration_seconds,
        note=raw.discard_reason or raw.information_text,
    )
