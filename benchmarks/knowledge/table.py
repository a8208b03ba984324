"""The table of docs/KNOWLEDGE.md: precision and recall for each kind and language, ours beside the baseline's."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.knowledge.baseline import baseline
from benchmarks.knowledge.labelled import LANGUAGES, Labelled, labelled
from benchmarks.knowledge.score import KINDS, found_by_rules, score
from pulse_radar.radar.events import AtomKind

__all__ = ["DOCS", "table", "write_table"]

DOCS: Final = Path(__file__).parents[2] / "docs" / "KNOWLEDGE.md"
_BEGIN, _END = "<!-- table -->\n", "<!-- end of table -->"

_NAMES: Final = {"en": "English", "ru": "Russian", "fa": "Persian", "other": "nine others"}


def table() -> str:
    """As Markdown; of the messages that were held out."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "| kind | language | there | precision | recall | precision of the baseline | recall of the baseline |"
    yield "|---|---|---:|---:|---:|---:|---:|"
    everything: list[Labelled] = []
    for language in LANGUAGES:
        everything += labelled(language, "held_out")
    for kind in KINDS:
        for language in LANGUAGES:
            yield _line(kind, _NAMES[language], labelled(language, "held_out"))
        yield _line(kind, "**all three**", everything)
    for kind in ("link", "question"):
        yield _line(kind, _NAMES["other"], labelled("other", "held_out"))


def _line(kind: AtomKind, name: str, messages: list[Labelled]) -> str:
    there = sum(kind in message.kinds for message in messages)
    ours, bare = (
        _figures(messages, kind, found_by_rules),
        _figures(messages, kind, lambda m: baseline(m.text)),
    )
    return f"| {kind} | {name} | {there} | {ours} | {bare} |"


def _figures(messages: list[Labelled], kind: AtomKind, find: Callable[[Labelled], set[AtomKind]]) -> str:
    found = score(messages, kind, find)
    return f"{found.precision:.2f} | {found.recall:.2f}"


def write_table() -> None:
    """Put it where the docs have it."""
    before, _, rest = DOCS.read_text(encoding="utf-8").partition(_BEGIN)
    DOCS.write_text(f"{before}{_BEGIN}{table()}{_END}{rest.partition(_END)[2]}", encoding="utf-8")
