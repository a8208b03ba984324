"""Which messages are worth an atom, and of what kind: a first version, by rules that anyone can read.

The first rule that fits decides: a decision, a task, a question, a link, a claim; else there is no atom.
"""

import re
from typing import Final

from pulse_radar.radar.events import AtomCreated, AtomKind
from pulse_radar.radar.telegram import Kind, TelegramMessage

__all__ = ["atom_of"]

# Stems, so that endings do not matter; a line a language: English, Russian, Persian.
_DECISION: Final = re.compile(
    r"\b(?:decision\b|decided\b|agreed\b|we(?: wi|')ll go with\b|let's go with\b"
    r"|решили\b|решение\b|договорились\b|итог\b"
    r"|تصمیم|قرار شد|نتیجه‌ی جلسه)",
    re.IGNORECASE,
)
_TASK: Final = re.compile(
    r"\b(?:todo\b|to-do\b|action item\b|could you\b|can you\b|please\b|needs? to be done\b"
    r"|пожалуйста\b|задача\b|нужно до\b|надо\b|срок до\b"
    r"|لطفاً|لطفا\b|کار @)",
    re.IGNORECASE,
)
_CLAIM: Final = re.compile(
    r"\b(?:according to\b|measured\b|as far as i know\b|it turns out\b|because\b|report\b|checked\b|in fact\b"
    r"|по моим замерам\b|насколько я знаю\b|судя по\b|потому что\b|важно помнить\b|отч[её]те\b|оказалось\b"
    r"|اندازه گرفتم|تا جایی که می‌دانم|گزارش|یادتان باشد|چون\b)",
    re.IGNORECASE,
)
_QUESTION: Final = re.compile(r"[?؟](?:\s|$)")
_LINK: Final = re.compile(r"https?://\S")
_LINK_ENTITIES: Final = frozenset({"link", "text_link"})

# "Lunch?" is no question that anyone looks up later.
_FEWEST_WORDS: Final = 4

_TITLE_LENGTH: Final = 120
_TEXT_LENGTH: Final = 500
_NAME_LENGTH: Final = 120

_SENTENCE_END: Final = re.compile(r"(?<=[.!?؟…])\s+|\n")


def atom_of(message: TelegramMessage) -> AtomCreated | None:
    """The atom of a message, None where it holds none. The same message always has the same id."""
    if message.kind is not Kind.MESSAGE:
        return None
    text = _text_of(message)
    kind = _kind_of(message, text)
    if kind is None:
        return None
    return AtomCreated(
        id=f"telegram:{message.chat.id}:{message.id}",
        kind=kind,
        title=_excerpt(_SENTENCE_END.split(text, maxsplit=1)[0], _TITLE_LENGTH),
        text=_excerpt(text, _TEXT_LENGTH),
        chat=_name(message.chat.name),
        chat_id=str(message.chat.id),
        message_id=str(message.id),
        author=_name(message.sender or message.author),
        date=message.date,
    )


def _kind_of(message: TelegramMessage, text: str) -> AtomKind | None:
    if message.checklist is not None:
        return "task"
    if message.poll is not None:
        return "question"
    if len(text.split()) < _FEWEST_WORDS:
        return None
    if _DECISION.search(text):
        return "decision"
    if _TASK.search(text):
        return "task"
    if _QUESTION.search(text):
        return "question"
    if _LINK.search(text) or any(entity.kind in _LINK_ENTITIES for entity in message.entities):
        return "link"
    return "claim" if _CLAIM.search(text) else None


def _text_of(message: TelegramMessage) -> str:
    if message.checklist is not None:
        text = "\n".join((message.checklist.title, *message.checklist.items))
    elif message.poll is not None:
        text = message.poll.question
    else:
        text = message.text
    return text.strip()


def _name(name: str | None) -> str | None:
    return None if name is None else _excerpt(name, _NAME_LENGTH)


def _excerpt(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
