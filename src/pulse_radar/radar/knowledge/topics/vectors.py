"""Texts as sparse vectors: how much each term tells this text from the others."""

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeAlias

__all__ = ["Vector", "add_to", "length_of", "rarity_of", "vector_of"]

Vector: TypeAlias = dict[str, float]

# What every fourth text says tells nothing about any; what only one says joins it to none.
_TOO_COMMON: Final = 0.25
_TOO_RARE: Final = 2


def rarity_of(texts: Collection[Iterable[str]]) -> dict[str, float]:
    """How much each term tells, by how few of the texts have it."""
    counts = Counter(term for terms in texts for term in terms)
    most = max(_TOO_COMMON * len(texts), _TOO_RARE)
    return {
        term: math.log(1 + len(texts) / count) for term, count in counts.items() if _TOO_RARE <= count <= most
    }


def vector_of(terms: Iterable[str], rarity: Mapping[str, float]) -> Vector:
    """Of length 1; empty where nothing in it tells anything."""
    vector = {term: rarity[term] for term in terms if term in rarity}
    length = length_of(vector)
    return {term: weight / length for term, weight in vector.items()}


def length_of(vector: Vector) -> float:
    return math.sqrt(sum([weight * weight for weight in vector.values()]))


def add_to(centre: Vector, vector: Vector) -> None:
    """Move a centre towards a vector."""
    for term, weight in vector.items():
        centre[term] = centre.get(term, 0.0) + weight
