"""The laws of state topics: believed where they were kept, and every way of breaking them noticed."""

from collections import Counter
from random import Random

from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from pulse_radar.testing.fire.hearing import hear
from pulse_radar.testing.fire.logbook import (
    Acknowledged,
    Attempted,
    ClientRecord,
    Forgot,
    Opened,
    Seen,
    Told,
    WorkerRecord,
)
from pulse_radar.testing.fire.objection import Breach
from pulse_radar.testing.fire.truth import Fact, Stored, Truth
from tests.fire.state_worlds import FEED, ORIGIN, StateWorld, make_state_world, served

chances = st.integers(0, 2**32).map(Random)
worlds = st.builds(make_state_world, chances, st.integers(2, 60))


def breaches(world: StateWorld, records: list[ClientRecord]) -> Counter[Breach]:
    heard = hear(world.truth, "c1", [FEED], records)
    return Counter(objection.breach for objection in heard.objections)


def seen(records: list[ClientRecord]) -> list[tuple[int, Seen]]:
    return [(place, record) for place, record in enumerate(records) if isinstance(record, Seen)]


@given(worlds, chances)
def test_who_was_served_as_promised_is_believed(world: StateWorld, chance: Random) -> None:
    assert not breaches(world, served(world, chance))


@given(worlds, chances)
def test_a_newest_value_that_did_not_come_leaves_the_map_stale(world: StateWorld, chance: Random) -> None:
    records = served(world, chance)
    newest = {record.key: record for _, record in seen(records)}
    alive = [record for record in newest.values() if not record.is_deleted]
    assume(alive)
    missing = chance.choice(alive)
    # However often it came.
    assert breaches(world, [record for record in records if record != missing])[Breach.STALE] == 1


@given(worlds, chances)
def test_a_deletion_that_did_not_come_leaves_a_key_behind(world: StateWorld, chance: Random) -> None:
    records = served(world, chance)
    begin = max(place for place, record in enumerate(records) if isinstance(record, Forgot))
    since = seen(records[begin:])
    # The last word about a key of which this client had a value until then.
    told: dict[str | None, list[Seen]] = {}
    for _, record in since:
        told.setdefault(record.key, []).append(record)
    known = [
        words[-1] for words in told.values() if len(words) > 1 and words[-1].is_deleted > words[-2].is_deleted
    ]
    assume(known)
    missing = chance.choice(known)
    assert breaches(world, [record for record in records if record != missing])[Breach.STALE] == 1


@given(worlds, chances)
def test_an_event_that_comes_again_is_seen_twice(world: StateWorld, chance: Random) -> None:
    records = served(world, chance)
    place, record = chance.choice(seen(records))
    records.insert(place + 1, record)
    assert breaches(world, records) == {Breach.TWICE: 1}


@given(worlds, chances)
def test_an_older_value_after_a_newer_one_is_noticed(world: StateWorld, chance: Random) -> None:
    records = served(world, chance)
    pairs = [
        (place, earlier)
        for place, later in seen(records)
        for _, earlier in seen(records[:place])
        if earlier.key == later.key and earlier.sequence < later.sequence
    ]
    assume(pairs)
    place, earlier = chance.choice(pairs)
    records.insert(place + 1, earlier)
    assert breaches(world, records)[Breach.DISORDER] >= 1


@given(worlds, chances)
def test_events_out_of_the_order_of_the_sequences_are_noticed(world: StateWorld, chance: Random) -> None:
    records = served(world, chance)
    places = [
        place
        for (place, _), (after, _) in zip(seen(records), seen(records)[1:], strict=False)
        if after == place + 1
    ]
    assume(places)
    place = chance.choice(places)
    records[place], records[place + 1] = records[place + 1], records[place]
    # Of one that an earlier snapshot brought already it looks like a repetition.
    assert breaches(world, records).keys() & {Breach.DISORDER, Breach.TWICE}


@given(worlds, chances, st.sampled_from(["digest", "id", "key", "is_deleted"]))
def test_an_event_that_is_not_what_was_published_is_noticed(
    world: StateWorld, chance: Random, what: str
) -> None:
    records = served(world, chance)
    place, record = chance.choice(seen(records))
    forged = {"digest": record.digest ^ 1, "id": "x", "key": "k9", "is_deleted": not record.is_deleted}
    records[place] = replace(record, **{what: forged[what]})
    assert breaches(world, records)[Breach.ALTERED] == 1


def test_what_is_no_event_may_be_told_to_be_so() -> None:
    truth = Truth({}, {FEED: [Stored(ORIGIN + 2, None)]}, state_topics=frozenset({FEED}))
    records: list[ClientRecord] = [
        Opened(0.0, 1, 2, {FEED: ORIGIN}),
        Told(FEED, ORIGIN + 2, ORIGIN + 2, "unreadable"),
    ]
    assert not hear(truth, "c1", [FEED], records).objections


@given(worlds, chances)
def test_a_gap_on_a_state_topic_is_untrue(world: StateWorld, chance: Random) -> None:
    records = served(world, chance)
    place, record = chance.choice(seen(records))
    records[place] = Told(FEED, record.sequence, record.sequence, "expired")
    assert breaches(world, records)[Breach.UNTRUE] == 1


def test_a_newest_value_that_is_acknowledged_and_not_there_is_lost() -> None:
    work: list[WorkerRecord] = []
    for sequence in (5, 9):
        work += [Attempted(f"e{sequence}", "lane", FEED, "k", 0), Acknowledged(f"e{sequence}", sequence)]
    states = frozenset({FEED})
    assert not Truth({"w": work}, {FEED: [Stored(9, Fact("e9", "k", 0))]}, state_topics=states).objections
    [objection] = Truth({"w": work}, {FEED: [Stored(5, Fact("e5", "k", 0))]}, state_topics=states).objections
    assert (objection.breach, objection.sequence) == (Breach.LOST, 9)
