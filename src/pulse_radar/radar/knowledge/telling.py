"""Atoms as the events that announce them."""

from typing import TypeVar

from pulse_radar.radar.events import AtomCreated, AtomEvent, AtomUpdated
from pulse_radar.radar.knowledge.atom import Atom

__all__ = ["atom_created", "atom_updated"]

_T = TypeVar("_T", bound=AtomEvent)


def atom_created(atom: Atom, topic_id: str | None = None) -> AtomCreated:
    """It was found."""
    return _told(AtomCreated, atom, topic_id)


def atom_updated(atom: Atom, topic_id: str | None = None) -> AtomUpdated:
    """It is not what it was."""
    return _told(AtomUpdated, atom, topic_id)


def _told(event: type[_T], atom: Atom, topic_id: str | None) -> _T:
    return event(
        id=atom.id,
        kind=atom.kind,
        title=atom.title,
        text=atom.text,
        chat=atom.chat,
        chat_id=atom.chat_id,
        message_id=atom.message_ids[0],
        message_ids=atom.message_ids,
        author=atom.author,
        date=atom.date,
        confidence=atom.confidence,
        url=atom.url,
        topic_id=topic_id,
    )
