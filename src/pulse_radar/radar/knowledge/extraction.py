"""Extraction: messages in, atoms out. It waits for nothing and remembers nothing."""

from collections import Counter
from collections.abc import Iterable, Iterator
from hashlib import blake2s
from typing import Final

from pulse_radar.radar.events import AtomKind
from pulse_radar.radar.knowledge.atom import Atom, atom_from
from pulse_radar.radar.knowledge.cues import bundled_cues
from pulse_radar.radar.knowledge.features import features_of
from pulse_radar.radar.knowledge.links import Link, links_in, without_links
from pulse_radar.radar.knowledge.model import bundled_model
from pulse_radar.radar.knowledge.sentences import lines_of, sentences_of
from pulse_radar.radar.telegram import Kind, TelegramMessage

__all__ = ["extract", "findings", "sentences_in"]

# A pasted log is no knowledge: what one message may hold, and how much of it is looked at.
_MOST_ATOMS: Final = 12
_READ_CHARACTERS: Final = 8_000

# Longer addresses are payloads; every subscriber gets them, and no browser keeps them apart.
_LONGEST_URL: Final = 2_000


def extract(messages: Iterable[TelegramMessage]) -> list[Atom]:
    """The atoms of these messages, each once, in the order in which they were first said."""
    atoms: dict[str, Atom] = {}
    for message in messages:
        for atom in _atoms_of(message):
            known = atoms.get(atom.id)
            atoms[atom.id] = atom if known is None else known.also_from(atom)
    return list(atoms.values())


def _atoms_of(message: TelegramMessage) -> list[Atom]:
    if message.kind is not Kind.MESSAGE:
        return []
    if message.checklist is not None:
        text = "\n".join((message.checklist.title, *message.checklist.items))
        return [atom_from(message, f"{message.id}:task:1", "task", message.checklist.title, text, 1.0)]
    if message.poll is not None:
        question = message.poll.question
        return [atom_from(message, f"{message.id}:question:1", "question", question, question, 1.0)]
    return [*_told(message), *_shared(message)][:_MOST_ATOMS]


def _told(message: TelegramMessage) -> Iterator[Atom]:
    numbers: Counter[AtomKind] = Counter()
    for line in lines_of(message, message.text[:_READ_CHARACTERS]):
        for kind, (sentence, confidence) in findings(line).items():
            numbers[kind] += 1
            yield atom_from(message, f"{message.id}:{kind}:{numbers[kind]}", kind, sentence, line, confidence)


def findings(line: str) -> dict[AtomKind, tuple[str, float]]:
    """What kinds of atoms a line holds, each with the sentence that shows it best, and how likely."""
    best: dict[AtomKind, tuple[str, float]] = {}
    for sentence in sentences_in(line):
        for kind, likely in bundled_model().kinds(features_of(sentence, bundled_cues())).items():
            if kind not in best or likely > best[kind][1]:
                best[kind] = (sentence, likely)
    return best


def sentences_in(line: str) -> Iterator[str]:
    """Its sentences, without the addresses in them."""
    return sentences_of(without_links(line))


def _shared(message: TelegramMessage) -> Iterator[Atom]:
    for link in links_in(message, message.text[:_READ_CHARACTERS]):
        if len(link.url) <= _LONGEST_URL:
            yield atom_from(
                message, f"link:{_digest(link)}", "link", _title(link), message.text, 1.0, link.url
            )


def _title(link: Link) -> str:
    return link.text


def _digest(link: Link) -> str:
    return blake2s(link.identity.encode(), digest_size=10).hexdigest()
