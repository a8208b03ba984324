"""Precision and recall: of what was found, how much is right; of what is there, how much was found."""

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from benchmarks.knowledge.labelled import Labelled
from pulse_radar.radar.events import AtomKind
from pulse_radar.radar.knowledge import extract

__all__ = ["KINDS", "Score", "found_by_rules", "score"]

KINDS: Final[tuple[AtomKind, ...]] = ("claim", "decision", "link", "question", "task")


class Score(msgspec.Struct, frozen=True):
    """How often a kind was found rightly, found wrongly, and missed."""

    right: int
    wrong: int
    missed: int

    @property
    def precision(self) -> float:
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        return self.right / (self.right + self.missed) if self.right + self.missed else 1.0

    @property
    def f1(self) -> float:
        """Both in one number, nearer to the worse."""
        return 2 * self.right / (2 * self.right + self.wrong + self.missed)


def found_by_rules(message: Labelled) -> set[AtomKind]:
    """The kinds of the atoms that the application finds."""
    return {atom.kind for atom in extract([message.message])}


def score(messages: Iterable[Labelled], kind: AtomKind, find: Callable[[Labelled], set[AtomKind]]) -> Score:
    """How well `find` finds a kind in these messages."""
    judged = [(kind in find(message), kind in message.kinds) for message in messages]
    return Score(judged.count((True, True)), judged.count((True, False)), judged.count((False, True)))
