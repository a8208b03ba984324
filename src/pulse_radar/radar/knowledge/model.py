"""The model: how likely a sentence is a claim, a decision, a question, a task, from what it shows.

A log-linear model with a weight for each feature and kind, so that anyone can read in `weights.json` why something
was found. `python -m benchmarks.knowledge train` makes the file from the labelled messages.
"""

import math
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import Final, TypeAlias

import msgspec

from pulse_radar.radar.events import AtomKind

__all__ = ["TOLD_KINDS", "Model", "Weights", "bundled_model", "probability"]

# What is told by words. A link is seen, not guessed.
TOLD_KINDS: Final[tuple[AtomKind, ...]] = ("claim", "decision", "question", "task")

Weights: TypeAlias = Mapping[str, float]


class Model(msgspec.Struct, frozen=True):
    """Weights of each kind (`bias` is always there), and from which probability on it counts as found."""

    weights: dict[AtomKind, dict[str, float]]
    thresholds: dict[AtomKind, float]

    def kinds(self, features: Iterable[str]) -> dict[AtomKind, float]:
        """The kinds that are found, with their probability."""
        found: dict[AtomKind, float] = {}
        for kind, weights in self.weights.items():
            likely = probability(weights, features)
            if likely >= self.thresholds[kind]:
                found[kind] = likely
        return found


def probability(weights: Weights, features: Iterable[str]) -> float:
    """How likely, 0 to 1."""
    score = weights["bias"] + sum([weights[feature] for feature in features if feature in weights])
    return 1 / (1 + math.exp(-score))


@cache
def bundled_model() -> Model:
    """The model that comes with the package."""
    text = resources.files(__package__).joinpath("weights.json").read_bytes()
    return msgspec.json.decode(text, type=Model)
