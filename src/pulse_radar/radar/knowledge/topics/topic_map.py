"""The topics of the newest atoms: each new atom goes to the nearest, and now and then all are computed again."""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Final

import msgspec

from pulse_radar.radar.events import Trend
from pulse_radar.radar.knowledge.atom import Atom
from pulse_radar.radar.knowledge.topics.clustering import Groups, cluster
from pulse_radar.radar.knowledge.topics.identity import keep_ids
from pulse_radar.radar.knowledge.topics.naming import keywords_of
from pulse_radar.radar.knowledge.topics.terms import terms_of
from pulse_radar.radar.knowledge.topics.topic import Topic
from pulse_radar.radar.knowledge.topics.trend import trend_of
from pulse_radar.radar.knowledge.topics.vectors import rarity_of, vector_of

__all__ = ["Changes", "TopicMap"]

# About a kilobyte each. What is older keeps the topic that it has.
_ATOMS_HELD: Final = 10_000

# Fewer are a coincidence.
_FEWEST: Final = 3

# Computed again when so many atoms are new: few at first, then a share, so that each costs about the same.
_NEW_AT_LEAST: Final = 30
_NEW_SHARE: Final = 0.5

_WORDS_OF_NAME: Final = 3


class Changes(msgspec.Struct, frozen=True):
    """What came of new atoms: topics as they are now, and to which atoms came to belong; None for none any more."""

    created: list[Topic]
    updated: list[Topic]
    moved: dict[str, str | None]


class TopicMap:
    """Topics of atoms. Never waits. `known`: the topics and atoms as they were stored, to go on with them.

    Guarantee: computed again from the same atoms, in any order, the topics are the same, and so are their ids.
    Bounded: the newest atoms are held, the others are forgotten, and counted no more.
    """

    def __init__(self, known: Iterable[Topic] = (), atoms: Iterable[Atom] = ()) -> None:
        self._topics = {topic.id: topic for topic in known}
        self._texts: OrderedDict[str, dict[str, str]] = OrderedDict()
        self._dates: dict[str, datetime] = {}
        self._topic_of = {member: topic.id for topic in self._topics.values() for member in topic.members}
        self._groups = Groups()
        self._rarity: dict[str, float] = {}
        self._ids: list[str] = []
        self._new = 0
        for atom in atoms:
            self._hold(atom)
        self._prepare()

    def topics(self) -> list[Topic]:
        """All topics that have members."""
        return [topic for topic in self._topics.values() if topic.members]

    def topic_of(self, atom_id: str) -> str | None:
        """The topic of an atom that is held, None for none."""
        return self._topic_of.get(atom_id)

    def nearest(self, atom: Atom) -> str | None:
        """The topic to which an atom would come, as of when they were computed last; nothing changes."""
        if atom.id in self._topic_of:
            return self._topic_of[atom.id]
        group = self._groups.nearest(vector_of(_terms(atom), self._rarity))
        return None if group is None else self._ids[group]

    def add(self, atoms: Iterable[Atom], now: datetime) -> Changes:
        """Take new atoms; those that are known change nothing. `now` is where the windows of trends end."""
        found: dict[str, str] = {}
        for atom in atoms:
            if atom.id not in self._texts:
                self._hold(atom)
                self._new += 1
                nearest = self._groups.nearest(vector_of(self._texts[atom.id], self._rarity))
                if nearest is not None:
                    found[atom.id] = self._ids[nearest]
        if self._new >= max(_NEW_AT_LEAST, _NEW_SHARE * len(self._texts)):
            return self.recompute(now)
        return self._grow(found, now)

    def recompute(self, now: datetime) -> Changes:
        """Find all topics again. Cost: 0.1 ms an atom held."""
        groups = [frozenset(members) for members in cluster(self._texts, _FEWEST)]
        before = {topic.id: topic.members & self._texts.keys() for topic in self.topics()}
        found = dict(zip(keep_ids(before, groups), groups, strict=True))
        changes = self._become(found, now)
        self._prepare()
        return changes

    def _hold(self, atom: Atom) -> None:
        self._texts[atom.id] = _terms(atom)
        if atom.date is not None:
            self._dates[atom.id] = atom.date
        if len(self._texts) > _ATOMS_HELD:
            forgotten, _ = self._texts.popitem(last=False)
            self._dates.pop(forgotten, None)
            self._topic_of.pop(forgotten, None)

    def _prepare(self) -> None:
        """The centres to which new atoms are compared until the next time."""
        self._new = 0
        self._rarity = rarity_of([*self._texts.values()])
        self._groups, self._ids = Groups(), []
        for topic in self.topics():
            group: int | None = None
            for member in sorted(topic.members & self._texts.keys()):
                group = self._groups.join(group, vector_of(self._texts[member], self._rarity))
            if group is not None:
                self._ids.append(topic.id)

    def _grow(self, found: Mapping[str, str], now: datetime) -> Changes:
        """Topics with a few members more; their names stay until they are computed again."""
        joined: dict[str, set[str]] = {}
        for atom_id, topic_id in found.items():
            joined.setdefault(topic_id, set()).add(atom_id)
        updated = [self._grown(self._topics[id_], members, now) for id_, members in sorted(joined.items())]
        self._topics.update((topic.id, topic) for topic in updated)
        self._topic_of.update(found)
        return Changes([], updated, dict(found))

    def _grown(self, topic: Topic, more: Iterable[str], now: datetime) -> Topic:
        members = topic.members.union(more)
        return msgspec.structs.replace(topic, members=members, trend=self._trend(members, now))

    def _become(self, found: Mapping[str, frozenset[str]], now: datetime) -> Changes:
        """Take these topics for those that there were."""
        everywhere = Counter(term for terms in self._texts.values() for term in terms)
        topic_of = {member: id_ for id_, members in found.items() for member in members}
        topics = {id_: self._topic(id_, members, everywhere, now) for id_, members in found.items()}
        gone = [_gone(topic, topic_of) for topic in self.topics() if topic.id not in topics]
        created = [topic for topic in topics.values() if topic.id not in self._topics]
        updated = [topic for topic in topics.values() if self._topics.get(topic.id, topic) != topic]
        moved = dict(_moves(self._topic_of, topic_of))
        self._topics, self._topic_of = topics, topic_of
        return Changes(created, updated + gone, moved)

    def _topic(
        self, id_: str, members: frozenset[str], everywhere: Mapping[str, int], now: datetime
    ) -> Topic:
        keywords = keywords_of(sorted(members), self._texts, everywhere)
        return Topic(id_, ", ".join(keywords[:_WORDS_OF_NAME]), keywords, members, self._trend(members, now))

    def _trend(self, members: Iterable[str], now: datetime) -> Trend:
        return trend_of((self._dates[member] for member in members if member in self._dates), now)

    def __repr__(self) -> str:
        return f"<TopicMap of {len(self._topics)} topics, {len(self._texts)} atoms>"


def _terms(atom: Atom) -> dict[str, str]:
    # The title is a part of it.
    return terms_of(atom.text)


def _gone(topic: Topic, topic_of: Mapping[str, str]) -> Topic:
    """The topic without members, and where most of them went."""
    into = Counter(topic_of[member] for member in topic.members if member in topic_of)
    merged_into = min(into.items(), key=lambda one: (-one[1], one[0]))[0] if into else None
    return msgspec.structs.replace(topic, members=frozenset(), merged_into=merged_into)


def _moves(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[tuple[str, str | None]]:
    for atom_id in sorted(before.keys() | after.keys()):
        if before.get(atom_id) != after.get(atom_id):
            yield atom_id, after.get(atom_id)
