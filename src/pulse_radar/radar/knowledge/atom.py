"""An atom: a piece of knowledge, and the messages that it is from."""

from datetime import datetime
from typing import Final

import msgspec

from pulse_radar.radar.events import AtomKind
from pulse_radar.radar.telegram import TelegramMessage

__all__ = ["Atom", "atom_from"]

_TITLE_LENGTH: Final = 120
_TEXT_LENGTH: Final = 500
_NAME_LENGTH: Final = 120


class Atom(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A claim, decision, link, question or task.

    `id` is the same whenever it is found again in the same messages, also after one was edited; a link is one atom in
    its chat, however many messages share it. `title` is one sentence or an address, `text` what it stands in.
    `confidence` is a probability. `message_ids` are the sources; `author` and `date` are those of the first.
    """

    id: str
    kind: AtomKind
    title: str
    text: str
    confidence: float
    chat_id: str
    message_ids: tuple[str, ...]
    chat: str | None = None
    author: str | None = None
    date: datetime | None = None
    url: str | None = None

    def also_from(self, other: "Atom") -> "Atom":
        """This atom with the sources of `other`, which is the same one found elsewhere."""
        sources = tuple(dict.fromkeys((*self.message_ids, *other.message_ids)))
        return msgspec.structs.replace(
            self, message_ids=sources, confidence=max(self.confidence, other.confidence)
        )


def atom_from(
    message: TelegramMessage,
    local_id: str,
    kind: AtomKind,
    title: str,
    text: str,
    confidence: float,
    url: str | None = None,
) -> Atom:
    """An atom of this message. `local_id` tells it from the others of its chat."""
    name = message.sender or message.author
    return Atom(
        id=f"telegram:{message.chat.id}:{local_id}",
        kind=kind,
        title=_excerpt(title, _TITLE_LENGTH),
        text=_excerpt(text, _TEXT_LENGTH),
        confidence=round(confidence, 2),
        chat_id=str(message.chat.id),
        message_ids=(str(message.id),),
        chat=message.chat.name and _excerpt(message.chat.name, _NAME_LENGTH),
        author=name and _excerpt(name, _NAME_LENGTH),
        date=message.date,
        url=url,
    )


def _excerpt(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1].rstrip()}…"
