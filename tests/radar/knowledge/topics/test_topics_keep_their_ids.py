"""Ids of topics stay when topics are computed again: with more atoms, in another order, by another process."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulse_radar.radar.knowledge import Atom
from pulse_radar.radar.knowledge.topics import Topic, TopicMap
from pulse_radar.radar.knowledge.topics import topic_map as topic_map_module
from pulse_radar.radar.knowledge.topics.identity import keep_ids

NOW = datetime(2024, 5, 1, tzinfo=UTC)

SUBJECTS = (
    "restore backup disk region copy",
    "login token phone certificate renew",
    "pricing plan invoice discount table",
    "پرداخت درگاه بانک شماره تکراری",
    "миграция реплика индексы таблица перенос",
)


def atom(number: int, text: str, *, days_ago: float = 1) -> Atom:
    return Atom(
        id=f"telegram:7:{number}:claim:1",
        kind="claim",
        title=text,
        text=text,
        confidence=0.9,
        chat_id="7",
        message_ids=(str(number),),
        date=NOW - timedelta(days=days_ago),
    )


def talk(count: int, seed: int = 0) -> list[Atom]:
    """Atoms of several subjects, each with some of the words of its subject."""
    random = Random(seed)
    return [
        atom(number, " ".join(random.sample(random.choice(SUBJECTS).split(), 4))) for number in range(count)
    ]


def in_parts(atoms: list[Atom], size: int) -> Iterator[list[Atom]]:
    rest = iter(atoms)
    while some := list(islice(rest, size)):
        yield some


def membership(topics: list[Topic]) -> dict[str, frozenset[str]]:
    return {topic.id: topic.members for topic in topics}


def test_atoms_that_share_telling_words_are_one_topic_and_others_are_not() -> None:
    atoms = talk(60)
    topic_map = TopicMap()
    topic_map.add(atoms, NOW)
    of_subject = [
        {topic_map.topic_of(a.id) for a in atoms if set(a.text.split()) <= set(s.split())} for s in SUBJECTS
    ]
    assert all(len(topics) == 1 for topics in of_subject)
    assert len(set.union(*of_subject)) == len(SUBJECTS)
    assert None not in set.union(*of_subject)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000), shuffle=st.randoms(use_true_random=False))
def test_the_order_in_which_atoms_are_given_changes_nothing(seed: int, shuffle: Random) -> None:
    atoms = talk(50, seed)
    mixed = list(atoms)
    shuffle.shuffle(mixed)
    one, other = TopicMap(), TopicMap()
    one.add(atoms, NOW)
    other.add(mixed, NOW)
    assert membership(one.topics()) == membership(other.topics())


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000), more=st.integers(1, 40))
def test_a_topic_that_stays_largely_the_same_keeps_its_id_when_atoms_are_added(seed: int, more: int) -> None:
    atoms = talk(50 + more, seed)
    topic_map = TopicMap()
    topic_map.add(atoms[:50], NOW)
    before = membership(topic_map.topics())
    topic_map.add(atoms[50:], NOW)
    topic_map.recompute(NOW)
    after = membership(topic_map.topics())
    same = [
        (id_, other)
        for id_, members in before.items()
        for other, others in after.items()
        if len(members & others) > max(len(members), len(others)) / 2
    ]
    assert same
    assert all(id_ == other for id_, other in same)


@given(
    st.lists(st.frozensets(st.integers(0, 60), min_size=1), max_size=8),
    st.lists(st.frozensets(st.integers(0, 60), min_size=1), max_size=8),
)
def test_whatever_the_groups_ids_are_unique_and_go_to_whom_they_fit(
    old: list[frozenset[int]], new: list[frozenset[int]]
) -> None:
    before = {f"topic:{n}": members for n, members in enumerate(_disjoint(old))}
    groups = _disjoint(new)
    ids = keep_ids(before, groups)
    assert len(set(ids)) == len(groups)
    for id_, members in zip(ids, groups, strict=True):
        if id_ in before:
            assert len(before[id_] & members) > min(len(before[id_]), len(members)) / 2
        # Nobody that fits was passed over, unless it had a better one.
        for other, others in before.items():
            shared = len(others & members)
            if shared > max(len(others), len(members)) / 2:
                assert id_ == other


def _disjoint(groups: list[frozenset[int]]) -> list[AbstractSet[str]]:
    seen: set[int] = set()
    disjoint: list[AbstractSet[str]] = []
    for group in groups:
        if fresh := group - seen:
            disjoint.append({str(member) for member in fresh})
            seen |= fresh
    return disjoint


def test_a_process_that_goes_on_with_what_was_stored_knows_the_topics() -> None:
    atoms = talk(80)
    first = TopicMap()
    first.add(atoms[:60], NOW)
    second = TopicMap(first.topics(), atoms[:60])
    assert second.add(atoms[:60], NOW).moved == {}
    changes = second.add(atoms[60:], NOW)
    assert changes.created == []
    assert {topic.id for topic in changes.updated} <= {topic.id for topic in first.topics()}
    assert set(changes.moved) == {a.id for a in atoms[60:]}


def test_a_topic_that_became_part_of_another_says_of_which() -> None:
    halves = [atom(n, "backup restore disk") for n in range(40)]
    known = Topic("topic:old", "gone", ("gone",), frozenset(a.id for a in halves[:5]))
    larger = Topic("topic:larger", "backup", ("backup",), frozenset(a.id for a in halves[5:]))
    # Something else beside them, for what everybody says tells nothing.
    others = [a for a in talk(200) if "backup" not in a.text and "disk" not in a.text]
    others = [atom(1_000 + n, a.text) for n, a in enumerate(others)]
    topic_map = TopicMap([known, larger], [*halves, *others])
    changes = topic_map.recompute(NOW)
    (gone,) = [topic for topic in changes.updated if not topic.members]
    assert (gone.id, gone.merged_into) == ("topic:old", "topic:larger")
    assert {topic_map.topic_of(a.id) for a in halves} == {"topic:larger"}


def test_new_atoms_are_told_once_and_known_ones_change_nothing() -> None:
    topic_map = TopicMap()
    told: list[str] = []
    for some in in_parts(talk(120), 20):
        changes = topic_map.add(some, NOW)
        told += [topic.id for topic in changes.created]
    assert len(told) == len(set(told))
    changes = topic_map.add(talk(120), NOW)
    assert (changes.created, changes.updated, changes.moved) == ([], [], {})


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topic_map_module, "_ATOMS_HELD", 100)
    topic_map = TopicMap()
    for some in in_parts(talk(450), 30):
        topic_map.add(some, NOW)
    assert repr(topic_map).endswith(" 100 atoms>")
    topic_map.recompute(NOW)
    assert 50 < sum(len(topic.members) for topic in topic_map.topics()) <= 100
