"""Which topic a newly computed group is: the one with which it shares the most, else a new one."""

from collections import Counter
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from hashlib import blake2s
from typing import Final

__all__ = ["keep_ids"]

# Shared with the smaller of both. Below it two groups merely touch.
_ENOUGH: Final = 0.5


def keep_ids(before: Mapping[str, AbstractSet[str]], groups: Sequence[AbstractSet[str]]) -> list[str]:
    """The id of each group. `before`: the members of each topic until now.

    Guarantee: a group that is more than half of a topic, and the topic more than half of it, has the topic's id. New
    ids depend only on the members: whoever computes the same groups names them alike.
    """
    ids: dict[int, str] = {}
    taken: set[str] = set()
    for _, topic, group in _by_overlap(before, groups):
        if topic not in taken and group not in ids:
            ids[group] = topic
            taken.add(topic)
    for group, members in enumerate(groups):
        if group not in ids:
            ids[group] = _new_id(members, taken | before.keys())
            taken.add(ids[group])
    return [ids[group] for group in range(len(groups))]


def _by_overlap(
    before: Mapping[str, AbstractSet[str]], groups: Sequence[AbstractSet[str]]
) -> list[tuple[int, str, int]]:
    """Pairs that share enough, those first that share most."""
    topic_of = {member: topic for topic in sorted(before) for member in before[topic]}
    pairs: list[tuple[int, str, int]] = []
    for group, members in enumerate(groups):
        shared = Counter(topic_of[member] for member in members if member in topic_of)
        for topic, count in shared.items():
            if count > _ENOUGH * min(len(before[topic]), len(members)):
                pairs.append((-count, topic, group))
    return sorted(pairs)


def _new_id(members: AbstractSet[str], taken: AbstractSet[str]) -> str:
    # The member that came first, as far as ids tell; others, should a topic be called after it already.
    for member in sorted(members):
        name = f"topic:{blake2s(member.encode(), digest_size=8).hexdigest()}"
        if name not in taken:
            return name
    raise AssertionError("more topics than members")  # each topic holds its members, and no two share one
