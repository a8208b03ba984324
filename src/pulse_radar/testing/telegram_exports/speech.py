"""An endless conversation: questions, claims, choices, decisions and tasks, thread after thread."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import cycle
from random import Random
from typing import TypeAlias

from pulse_radar.testing.telegram_exports.language import Language, Person, Subject

__all__ = ["JsonObject", "Line", "Part", "conversation"]

JsonObject: TypeAlias = dict[str, object]

# A text is made of plain strings and of marked stretches, as `text` of an export is.
Part: TypeAlias = str | JsonObject

# What a marked stretch says beside its text.
_DETAILS: dict[str, JsonObject] = {
    "text_link": {"href": "https://wiki.example.org/design"},
    "pre": {"language": "python"},
    "custom_emoji": {"document_id": "5368324170671202286"},
    "blockquote": {"collapsed": False},
}


@dataclass(frozen=True, slots=True)
class Line:
    """Something said: by whom, and whether it opens a thread or answers the one that is open."""

    speaker: Person
    parts: tuple[Part, ...]
    opens: bool = False
    answers: bool = False


def conversation(language: Language, random: Random) -> Iterator[Line]:
    """What the people of a chat say, for ever."""
    while True:
        yield from _thread(language, random)
        yield _chatter(language.chatter, language, random)
        yield _chatter(language.asides, language, random)


def _thread(language: Language, random: Random) -> Iterator[Line]:
    """A subject from the first question to who does what."""
    talk = _Talk(language, random.choice(language.subjects), random)
    yield talk.line(language.questions, opens=True)
    for _ in range(random.randrange(1, 4)):
        yield talk.line(language.claims, answers=random.random() < 0.6)
    if random.random() < 0.4:
        yield talk.line(language.links)
    for _ in range(random.randrange(3)):
        yield talk.line(language.choices, answers=random.random() < 0.3)
    if random.random() < 0.7:
        yield talk.line(language.decisions, answers=True)
        yield talk.line(language.tasks)


def _chatter(sentences: tuple[str, ...], language: Language, random: Random) -> Line:
    speaker = random.choice(language.people)
    marked: JsonObject = {"user_id": random.choice(language.people).id}
    return Line(speaker, tuple(_parts(random.choice(sentences), {}, marked)))


class _Talk:
    """One thread: a subject, its facts in turn, and the option that will win."""

    def __init__(self, language: Language, subject: Subject, random: Random) -> None:
        self._language = language
        self._subject = subject
        self._random = random
        self._facts = cycle(random.sample(subject.facts, len(subject.facts)))
        self._options = random.sample(subject.options, 2)
        self._speaker = random.choice(language.people)

    def line(self, sentences: tuple[str, ...], *, opens: bool = False, answers: bool = False) -> Line:
        self._speaker = self._somebody_else()
        parts = _parts(self._random.choice(sentences), self._words(), {})
        return Line(self._speaker, tuple(parts), opens, answers)

    def _somebody_else(self) -> Person:
        people = self._language.people
        return self._random.choice([person for person in people if person is not self._speaker] or people)

    def _words(self) -> dict[str, Part]:
        subject = self._subject
        page = f"https://wiki.example.org/{subject.slug}/{self._random.randrange(1, 400)}"
        return {
            "name": subject.name,
            "question": subject.question,
            "fact": next(self._facts),
            "option": self._options[0],
            "other": self._options[1],
            "task": subject.task,
            "day": self._random.choice(self._language.days),
            "who": {"type": "mention", "text": f"@{self._somebody_else().handle}"},
            "url": {"type": "link", "text": page},
        }


def _parts(sentence: str, words: Mapping[str, Part], mentioned: JsonObject) -> list[Part]:
    """The sentence with its words filled in; what is marked in it becomes a stretch of its own."""
    parts: list[Part] = [""]
    for text, word, marked, _ in string.Formatter().parse(sentence):
        filled = [text] if word is None else [text, words.get(word) or _marked(word, marked or "", mentioned)]
        for part in filled:
            if isinstance(part, str) and isinstance(parts[-1], str):
                parts[-1] += part
            else:
                parts.append(part)
    first, *rest = parts
    assert isinstance(first, str)
    return [first[0].upper() + first[1:], *rest] if first else rest


def _marked(kind: str, text: str, mentioned: JsonObject) -> JsonObject:
    detail = mentioned if kind == "mention_name" else _DETAILS.get(kind, {})
    return {"type": kind, "text": text, **detail}
