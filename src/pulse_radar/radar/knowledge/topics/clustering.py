"""Clustering: texts that share telling terms come together, however many such groups there are.

Each text joins the nearest group, if one is near enough, else it begins one; then all choose again among the groups
that came of it. Texts are taken in the order of their ids, so it does not matter in which order they were given.
"""

from collections import defaultdict
from collections.abc import Mapping
from typing import Final

from pulse_radar.radar.knowledge.topics.vectors import Vector, add_to, length_of, rarity_of, vector_of

__all__ = ["Groups", "cluster"]

# Cosines. Lower ones join what has a word in common, higher ones leave most texts alone.
_NEAR: Final = 0.2
_ROUNDS: Final = 3


class Groups:
    """Centres of groups, and which is nearest to a vector. Cost of a question: the groups that share a term with it."""

    def __init__(self) -> None:
        self._centres: list[Vector] = []
        self._lengths: list[float] = []
        self._having: defaultdict[str, set[int]] = defaultdict(set)

    def nearest(self, vector: Vector) -> int | None:
        """The nearest group that is near enough; of equals the first."""
        products: defaultdict[int, float] = defaultdict(float)
        for term, weight in vector.items():
            for group in self._having.get(term, ()):
                products[group] += weight * self._centres[group][term]
        near, found = _NEAR, None
        for group in sorted(products):
            likeness = products[group] / self._lengths[group]
            if likeness > near:
                near, found = likeness, group
        return found

    def join(self, group: int | None, vector: Vector) -> int:
        """Add a vector to a group, None for a new one. Which it is."""
        if group is None:
            group = len(self._centres)
            self._centres.append({})
            self._lengths.append(0.0)
        add_to(self._centres[group], vector)
        self._lengths[group] = length_of(self._centres[group])
        for term in vector:
            self._having[term].add(group)
        return group


def cluster(texts: Mapping[str, Mapping[str, str]], fewest: int) -> list[list[str]]:
    """Groups of at least `fewest` of the ids, the terms of whose texts are alike."""
    rarity = rarity_of([*texts.values()])
    vectors = {id_: vector_of(texts[id_], rarity) for id_ in sorted(texts)}
    vectors = {id_: vector for id_, vector in vectors.items() if vector}
    groups = Groups()
    chosen = {id_: groups.join(groups.nearest(vector), vector) for id_, vector in vectors.items()}
    for _ in range(_ROUNDS):
        chosen = _choose_again(vectors, chosen, fewest)
    return [members for members in _members(chosen).values() if len(members) >= fewest]


def _choose_again(vectors: Mapping[str, Vector], chosen: Mapping[str, int], fewest: int) -> dict[str, int]:
    """The groups that are large enough stay where they are, and everybody goes to the nearest of them."""
    groups = Groups()
    for members in _members(chosen).values():
        if len(members) >= fewest:
            group: int | None = None
            for id_ in members:
                group = groups.join(group, vectors[id_])
    nearest = {id_: groups.nearest(vector) for id_, vector in vectors.items()}
    return {id_: group for id_, group in nearest.items() if group is not None}


def _members(chosen: Mapping[str, int]) -> dict[int, list[str]]:
    members: dict[int, list[str]] = {}
    for id_, group in chosen.items():
        members.setdefault(group, []).append(id_)
    return members
