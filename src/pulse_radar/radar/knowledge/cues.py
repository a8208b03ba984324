"""Cues: the words and phrases by which people mark what they say, a file for each language in `cues/`.

A file has three tables. `[anywhere]` and `[start]` name groups of phrases, the latter only where a sentence
begins; `[opener]` lists what may come before the beginning without changing it ("hey", "ok so"). The groups are the
same in all languages, so that a model learns from all of them and a new language is a file. In a phrase `prefix*`
and `*suffix` stand for a word, `0` for a number, `$` for the end; a whole word goes before a prefix or a suffix.

All languages are looked for at once: people mix them, and a language need not be guessed.
"""

import tomllib
from collections.abc import Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Final, TypeAlias

from pulse_radar.radar.knowledge.words import is_number, normal, words_of

__all__ = ["Cues", "bundled_cues", "words_of_manner"]

_Tables: TypeAlias = dict[str, dict[str, list[str]]]

_NUMBER: Final = "0"
_END: Final = "$"
_START: Final = "^"

# Groups whose words are often what is talked about.
_MATTER: Final = frozenset(
    {"cause", "change", "choice", "commit", "evidence", "fact", "imperative", "measure"}
)

# What is remembered of words that were met. Chats repeat themselves: nearly all words are among them.
_WORDS_REMEMBERED: Final = 50_000


class _Node:
    """What may follow in a phrase, and the groups of the phrases that are complete here."""

    __slots__ = ("groups", "next")

    def __init__(self) -> None:
        self.next: dict[str, _Node] = {}
        self.groups: tuple[str, ...] = ()


class Cues:
    """All phrases, as a trie over words. `groups_in` is its question."""

    def __init__(self, tables: Iterable[_Tables]) -> None:
        self._root = _Node()
        self._whole: set[str] = set()
        self._prefixes: set[str] = set()
        self._suffixes: set[str] = set()
        self._openers: set[str] = set()
        self._symbols: dict[str, tuple[str, ...]] = {}
        for table in tables:
            self._openers.update(normal(word) for word in table["opener"]["words"])
            for where, mark in (("anywhere", ()), ("start", (_START,))):
                for group, phrases in table[where].items():
                    for phrase in phrases:
                        self._add(mark, phrase, "".join(mark) + group)

    def groups_in(self, words: Sequence[str]) -> set[str]:
        """The groups of all phrases in a sentence of these words (`words_of`); those of its start are `^group`."""
        found: set[str] = set()
        known = self._symbols
        sentence = [known[word] if word in known else self._symbols_of(word) for word in words]
        sentence.append((_END,))
        self._match(sentence, self._start(words), self._root.next[_START], found)
        first = self._root.next
        for at, symbols in enumerate(sentence, 1):
            for symbol in symbols:  # most words are none
                if symbol in first:
                    self._match(sentence, at, first[symbol], found)
        return found

    def _match(self, sentence: list[tuple[str, ...]], at: int, node: _Node, found: set[str]) -> None:
        found.update(node.groups)
        if node.next and at < len(sentence):
            for symbol in sentence[at]:
                if symbol in node.next:
                    self._match(sentence, at + 1, node.next[symbol], found)

    def _start(self, words: Sequence[str]) -> int:
        """Where the sentence begins, after greetings, mentions and the name of who is spoken to."""
        at = 0
        while at < len(words) - 1:
            word = words[at]
            is_called = words[at + 1] in ",،" and word.isalpha()
            if not (is_called or word in self._openers or word[0] in "@,،"):
                break
            at += 1
        return at

    def _symbols_of(self, word: str) -> tuple[str, ...]:
        if len(self._symbols) >= _WORDS_REMEMBERED:
            self._symbols.clear()
        symbols = self._symbols[word] = tuple(self._classify(word))
        return symbols

    def _classify(self, word: str) -> Iterable[str]:
        if is_number(word):
            yield _NUMBER
        if word in self._whole:
            yield word
            return
        for length in range(2, len(word)):
            if word[:length] in self._prefixes:
                yield f"{word[:length]}*"
            if word[-length:] in self._suffixes:
                yield f"*{word[-length:]}"

    def _add(self, mark: tuple[str, ...], phrase: str, group: str) -> None:
        node = self._root
        for word in (*mark, *_symbols_in(phrase)):
            if word.endswith("*"):
                self._prefixes.add(word[:-1])
            elif word.startswith("*"):
                self._suffixes.add(word[1:])
            else:
                self._whole.add(word)
            node = node.next.setdefault(word, _Node())
        node.groups = (*node.groups, group)

    def __repr__(self) -> str:
        return f"<Cues of {len(self._whole) + len(self._prefixes) + len(self._suffixes)} words>"


def _symbols_in(phrase: str) -> Iterable[str]:
    for word in normal(phrase).split():
        if "*" in word or word == _END:
            yield word
        else:
            yield from words_of(word)


@cache
def bundled_cues() -> Cues:
    """The cues that come with the package."""
    return Cues(_bundled_tables())


def words_of_manner() -> set[str]:
    """Whole words that say how something is meant, and not what about."""
    groups = (group for tables in _bundled_tables() for group in tables["anywhere"].items())
    phrases = (phrase for name, phrases in groups if name not in _MATTER for phrase in phrases)
    return {word for phrase in phrases for word in _symbols_in(phrase) if "*" not in word}


def _bundled_tables() -> list[_Tables]:
    files = resources.files(__package__).joinpath("cues").iterdir()
    return [tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(files, key=str)]
