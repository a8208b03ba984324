"""What a topic is called: the terms that are said in it often, and rarely elsewhere (class-based TF-IDF)."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Final

__all__ = ["keywords_of"]

_KEYWORDS: Final = 5


def keywords_of(
    members: Iterable[str], texts: Mapping[str, Mapping[str, str]], everywhere: Mapping[str, int]
) -> tuple[str, ...]:
    """The words that tell a topic from all others, the most telling first, each as it is mostly written."""
    written: dict[str, Counter[str]] = {}
    for member in members:
        for stem, word in texts[member].items():
            written.setdefault(stem, Counter())[word] += 1
    said = {stem: forms.total() for stem, forms in written.items()}
    all_terms = sum(everywhere.values())
    telling = sorted(said, key=lambda stem: (-said[stem] * math.log(1 + all_terms / everywhere[stem]), stem))
    return tuple(
        min(written[s].items(), key=lambda form: (-form[1], form[0]))[0] for s in telling[:_KEYWORDS]
    )
