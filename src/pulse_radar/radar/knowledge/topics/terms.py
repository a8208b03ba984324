"""What a text is about: the stems of the words that say something, each with the form in which it was written."""

import re
import threading
from functools import cache, lru_cache
from typing import Final

import snowballstemmer
import stopwordsiso

from pulse_radar.radar.knowledge.cues import words_of_manner
from pulse_radar.radar.knowledge.links import without_links
from pulse_radar.radar.knowledge.words import normal

__all__ = ["terms_of"]

# Their words say nothing anywhere: a chat mixes languages, and one language's "die" is rarely missed in another.
_LANGUAGES: Final = ("ar", "de", "en", "es", "fa", "fr", "it", "pt", "ru", "tr", "uk")

# By the script of a word. Of a language that is not its own, a stemmer cuts what looks like an ending: all forms alike.
_STEMMERS: Final = (("\u0400", "\u052f", "russian"), ("\u0600", "\u06ff", "persian"))
_OTHERWISE: Final = "english"

# With the half-space inside, for a word is shown as it is written; and not @somebody.
_WORD: Final = re.compile(r"(?<![\w@])\w[\w\u200c-]*\w")

_SHORTEST: Final = 3
_LONGEST: Final = 40

# A stem takes a third of a millisecond. Chats repeat their words.
_STEMS_REMEMBERED: Final = 50_000

# A stemmer keeps the word that it is at, and jobs of one worker look through texts in several threads.
_stemming: Final = threading.Lock()


def terms_of(text: str) -> dict[str, str]:
    """Stems, with the words that they are of. Numbers, mentions, addresses and common words are none."""
    terms: dict[str, str] = {}
    for word in _WORD.findall(without_links(text).lower()):
        if (stem := _stem(word)) is not None:
            terms.setdefault(stem, word)
    return terms


@lru_cache(_STEMS_REMEMBERED)
def _stem(word: str) -> str | None:
    bare = normal(word)
    if bare in _common_words() or not _SHORTEST <= len(bare) <= _LONGEST or not bare[0].isalpha():
        return None
    with _stemming:
        stem: str = _stemmer(_language_of(bare)).stemWord(bare)
    return stem


def _language_of(word: str) -> str:
    for first, last, language in _STEMMERS:
        if first <= word[0] <= last:
            return language
    return _OTHERWISE


@cache
def _stemmer(language: str) -> snowballstemmer.stemmer:
    return snowballstemmer.stemmer(language)


@cache
def _common_words() -> frozenset[str]:
    listed = (normal(word) for language in _LANGUAGES for word in stopwordsiso.stopwords(language))
    return frozenset((*listed, *words_of_manner()))
