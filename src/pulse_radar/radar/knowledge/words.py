"""The words of a text as they are compared: one spelling for what people spell in several ways.

Persian half-spaces and vowel signs go, Arabic forms of its letters become the Persian ones, ё is е, curly
apostrophes are straight. So whoever looks a word up need not know how it was typed.
"""

import re
import unicodedata
from typing import Final

__all__ = ["is_number", "normal", "words_of"]

_ZERO_WIDTH_NON_JOINER: Final = "\u200c"
_TATWEEL: Final = "\u0640"
_ARABIC_VOWELS: Final = "".join(map(chr, range(0x064B, 0x0653))) + "\u0670"

_SPELLING: Final = str.maketrans(
    {"ي": "ی", "ى": "ی", "ك": "ک", "ۀ": "ه", "ё": "е", "’": "'", "‘": "'", "ʼ": "'"}
    | dict.fromkeys(f"{_ZERO_WIDTH_NON_JOINER}{_TATWEEL}{_ARABIC_VOWELS}\u200d\ufe0f\u00ad")
)

# می is a prefix that some set apart.
_PERSIAN_PREFIX: Final = re.compile(r"\b(ن?می) (?=\w)")

# A word, with what it is marked by; and the signs that say something by themselves.
_WORD: Final = re.compile(r"[\w@#][\w'\-]*|[?!:%,،؟]")


def normal(text: str) -> str:
    """The text in the one spelling, in lower case."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_SPELLING)
        if "می " in text:
            text = _PERSIAN_PREFIX.sub(r"\1", text)
    return text.lower()


def words_of(normal_text: str) -> list[str]:
    """Its words and telling signs, in order. A mention keeps its @, a hashtag its #."""
    return _WORD.findall(normal_text)


def is_number(word: str) -> bool:
    """Whether it begins with a digit of any script: 3, ۴۲, 7th, 10:30."""
    return word[0].isdigit()
