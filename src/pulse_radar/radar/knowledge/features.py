"""What a sentence shows: the cues in it, and its shape, as a set of names that a model has weights for."""

import re
from typing import Final

from pulse_radar.radar.knowledge.cues import Cues
from pulse_radar.radar.knowledge.words import normal, words_of

__all__ = ["features_of"]

# Question marks of the world: Latin, Arabic, full-width, Armenian, Ethiopic. Greek's looks like a semicolon.
_ASKS: Final = re.compile(r"[?؟？՞⁇⁈፧]|¿")
_GREEK_ASKS: Final = re.compile(r"[\u0370-\u03ff][;\u037e]\s*$")
_TRAILS_OFF: Final = re.compile(r"(?:\.\.|…)\W*$")
_LIST_ITEM: Final = re.compile(r"^\s*(?:[-*•–▪☐✅]|\[ ?\]|\d{1,2}[.)])\s*\S")
_LABEL: Final = re.compile(r"^\W*[\w' -]{1,40}:\s")
_DIGIT: Final = re.compile(r"\d")
# Scripts that set no spaces between words: two letters are about one.
_WITHOUT_SPACES: Final = re.compile(r"[\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff]{2}")
_EMOJI: Final = re.compile(r"[\U0001f300-\U0001faff\u2600-\u27bf\u2764]")

# "Lunch?" is no question that anyone looks up later; and what is told takes some words, too.
_FEW, _SOME, _MANY = 3, 5, 8

# Cues that mean something else together: "we decided", and "we have not decided".
_PAIRS: Final = (
    ("asks", "^wh"), ("asks", "^yes_no"), ("asks", "asking"), ("asks", "emoji"), ("asks", "feeling"),
    ("asks", "few words"), ("asks", "i"), ("asks", "no cues"), ("asks", "many words"), ("asks", "must"),
    ("asks", "please"), ("asks", "request"), ("asks", "short"), ("asks", "shouts"), ("asks", "smalltalk"),
    ("asks", "wh_fact"), ("asks", "wh_inside"), ("asks", "why"), ("asks", "you"), ("why", "few words"), ("why", "i"),
    ("^wh", "short"), ("^wh", "wh_fact"), ("wh_fact", "few words"), ("wh_fact", "you"),
    ("decided", "i"), ("decided", "negation"), ("decided", "we"), ("choice", "we"), ("must", "decided"),
    ("must", "someone"), ("must", "we"), ("imperative", "please"), ("deadline", "commit"), ("deadline", "imperative"),
    ("deadline", "must"), ("no cues", "few words"), ("called", "^imperative"), ("called", "imperative"),
    ("item", "^imperative"), ("item", "commit"),
    ("fact", "number"), ("fact", "measure"), ("fact", "i"), ("fact", "short"), ("cause", "fact"), ("evidence", "i"),
    ("measure", "number"), ("copula", "number"), ("i", "feeling"), ("told", "change"), ("told", "copula"),
    ("told", "cause"), ("told", "evidence"), ("told", "fact"), ("told", "i"), ("told", "measure"),
)  # fmt: skip
_NAMED_PAIRS: Final = [(one, other, f"{one} + {other}") for one, other in _PAIRS]


def features_of(sentence: str, cues: Cues) -> set[str]:
    """The names of all that is there."""
    words = words_of(normal(sentence))
    found = cues.groups_in(words)
    if not found:
        found.add("no cues")  # nothing that we know: most likely another language
    found.update(_shape(sentence, words))
    if not ("asks" in found or "shouts" in found or "trails off" in found or "few words" in found):
        found.add("told")
    found.update([pair for one, other, pair in _NAMED_PAIRS if one in found and other in found])
    return found


def _shape(sentence: str, words: list[str]) -> list[str]:
    shape = [_length(len(words) + len(_WITHOUT_SPACES.findall(sentence)))]
    if _ASKS.search(sentence) or _GREEK_ASKS.search(sentence):
        shape.append("asks")
    if "!" in sentence[-3:]:
        shape.append("shouts")
    if _TRAILS_OFF.search(sentence):
        shape.append("trails off")
    if _LIST_ITEM.match(sentence):
        shape.append("item")
    if _LABEL.match(sentence):
        shape.append("label")
    if _DIGIT.search(sentence):
        shape.append("number")
    if _is_called(words):
        shape.append("called")
    if _EMOJI.search(sentence):
        shape.append("emoji")
    return shape


def _length(words: int) -> str:
    if words <= _FEW:
        return "few words"
    if words <= _SOME:
        return "short"
    return "some words" if words <= _MANY else "many words"


def _is_called(words: list[str]) -> bool:
    """Whether it begins with whom it is said to: "@ann …", "Ann, …"."""
    return bool(words) and (
        words[0][0] == "@" or (len(words) > 2 and words[1] in ",،" and words[0].isalpha())
    )
