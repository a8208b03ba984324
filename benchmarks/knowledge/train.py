"""Makes `weights.json` from the development part: logistic regression, a kind at a time, with nothing but floats.

A label is of a message, a feature of a sentence. Of a message that holds a kind, the sentence that shows it best
counts; of one that does not, every sentence. Thresholds come from folds that were left out of the training.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TypeAlias

from benchmarks.knowledge.labelled import LANGUAGES, Labelled, labelled
from pulse_radar.radar.knowledge.cues import bundled_cues
from pulse_radar.radar.knowledge.extraction import sentences_in
from pulse_radar.radar.knowledge.features import features_of
from pulse_radar.radar.knowledge.model import TOLD_KINDS, probability
from pulse_radar.radar.knowledge.sentences import lines_of

__all__ = ["train"]

Example: TypeAlias = tuple[list[set[str]], bool]

_WEIGHTS: Final = Path(__file__).parents[2] / "src" / "pulse_radar" / "radar" / "knowledge" / "weights.json"

_ROUNDS: Final = 150
_STEP: Final = 0.1
# How strongly weights are pulled to zero: cues that were met twice must not decide alone.
_PULL: Final = 0.003

_FOLDS: Final = 10
# Above the promise, for what is promised must hold for messages that nobody has seen.
_WANTED_PRECISION: Final = 0.85
_THRESHOLDS: Final = [step / 100 for step in range(40, 96)]


def train() -> None:
    """Write the file anew. The same messages always make the same file."""
    messages = [
        message for language in (*LANGUAGES, "other") for message in labelled(language, "development")
    ]
    seen = [_sentences(message) for message in messages]
    weights: dict[str, dict[str, float]] = {}
    thresholds: dict[str, float] = {}
    for kind in TOLD_KINDS:
        examples = [
            (sentences, kind in message.kinds) for sentences, message in zip(seen, messages, strict=True)
        ]
        thresholds[kind] = _threshold(examples)
        trained = {name: round(weight, 3) for name, weight in _fit(examples).items()}
        weights[kind] = dict(sorted((name, weight) for name, weight in trained.items() if weight))
    _WEIGHTS.write_text(json.dumps({"thresholds": thresholds, "weights": weights}, indent=1) + "\n")


def _sentences(message: Labelled) -> list[set[str]]:
    lines = lines_of(message.message, message.text)
    return [features_of(sentence, bundled_cues()) for line in lines for sentence in sentences_in(line)]


def _fit(examples: Sequence[Example]) -> dict[str, float]:
    weights = {"bias": 0.0}
    for _ in range(_ROUNDS):
        for sentences, is_there in examples:
            chosen = sentences
            if is_there and sentences:
                chosen = [max(sentences, key=lambda features: probability(weights, features))]
            for features in chosen:
                error = is_there - probability(weights, features)
                for name in ("bias", *sorted(features)):
                    weight = weights.get(name, 0.0)
                    weights[name] = weight + _STEP * (error - _PULL * weight)
    return weights


def _threshold(examples: Sequence[Example]) -> float:
    """The lowest that is as precise as wanted on what was left out."""
    judged: list[tuple[float, bool]] = []
    for fold in range(_FOLDS):
        weights = _fit([example for at, example in enumerate(examples) if at % _FOLDS != fold])
        for sentences, is_there in examples[fold::_FOLDS]:
            judged.append((max([probability(weights, s) for s in sentences], default=0.0), is_there))
    return next((t for t in _THRESHOLDS if _precision(judged, t) >= _WANTED_PRECISION), _THRESHOLDS[-1])


def _precision(judged: Sequence[tuple[float, bool]], threshold: float) -> float:
    found = [is_there for likely, is_there in judged if likely >= threshold]
    return sum(found) / len(found) if found else 0.0
