"""Sentences: a text as lines, and a line as sentences, without the code and the quoted blocks that are in it."""

import re
from collections.abc import Iterator
from typing import Final

import sentencex

from pulse_radar.radar.telegram import TelegramMessage

__all__ = ["lines_of", "sentences_of"]

# Marked as such by Telegram; else by the marks that people type.
_CODE_ENTITIES: Final = frozenset({"code", "pre"})
_CODE: Final = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)

# Which rules tell the end of a sentence from the end of an abbreviation. The first letter of a known script decides;
# languages of one script differ little in it.
_RULES: Final = (
    ("a", "\u024f", "en"), ("\u0370", "\u03ff", "el"), ("\u0400", "\u052f", "ru"), ("\u0530", "\u058f", "hy"),
    ("\u0600", "\u06ff", "fa"), ("\u0900", "\u097f", "hi"), ("\u3040", "\u30ff", "ja"), ("\u4e00", "\u9fff", "zh"),
)  # fmt: skip
_LETTER: Final = re.compile(r"[^\W\d_]")

# Where sentences can end inside a line, in any script; most lines of a chat have none, and need no rules.
_INNER_END: Final = re.compile(r"[.!?…。！？؟۔;՞।]+[\s\S]")


def lines_of(message: TelegramMessage, text: str) -> list[str]:
    """The lines that are not empty, without code."""
    for entity in message.entities:
        if entity.kind in _CODE_ENTITIES:
            text = text.replace(entity.text, " ")
    if "`" in text:
        text = _CODE.sub(" ", text)
    return [line for line in map(str.strip, text.splitlines()) if line]


def sentences_of(line: str) -> Iterator[str]:
    """The sentences of a line, in order; none is empty."""
    if _INNER_END.search(line) is None:
        yield line
        return
    for sentence in sentencex.segment(_rules_for(line), line):
        if stripped := sentence.strip():
            yield stripped


def _rules_for(line: str) -> str:
    letter = _LETTER.search(line)
    if letter is not None:
        for first, last, rules in _RULES:
            if first <= letter[0].lower() <= last:
                return rules
    return "en"
