"""The bare baseline: a regular expression a kind, as anyone would write it in ten minutes."""

import re
from typing import Final

from pulse_radar.radar.events import AtomKind

__all__ = ["baseline"]

_EXPRESSIONS: Final[dict[AtomKind, re.Pattern[str]]] = {
    "decision": re.compile(
        r"\b(?:decision|decided|agreed|let's go with|we(?: wi|')ll go with|решили|решение|договорились|итог)\b"
        r"|تصمیم|قرار شد|توافق",
        re.IGNORECASE,
    ),
    "task": re.compile(
        r"\b(?:todo|to-do|action item|could you|can you|please|needs? to"
        r"|пожалуйста|задача|нужно|надо|срок)\b|لطفا|باید",
        re.IGNORECASE,
    ),
    "question": re.compile(r"[?؟]"),
    "link": re.compile(r"https?://\S|www\.\S"),
    "claim": re.compile(
        r"\b(?:according to|measured|as far as i know|turns out|because|report|checked|in fact"
        r"|замер\w*|насколько я знаю|судя по|потому что|отч[её]т\w*|оказалось|оказывается)\b"
        r"|اندازه گرفتم|تا جایی که|گزارش|چون|طبق|معلوم شد",
        re.IGNORECASE,
    ),
}


def baseline(text: str) -> set[AtomKind]:
    """The kinds whose expression is in the text."""
    return {kind for kind, expression in _EXPRESSIONS.items() if expression.search(text)}
