"""A judge that cannot object proves nothing: logbooks of clients that were served well, and then falsified."""

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
    Confirmed,
    Damaged,
    Opened,
    Seen,
    Stopped,
    Told,
    WorkerRecord,
)
from pulse_radar.testing.fire.objection import Breach
from pulse_radar.testing.fire.truth import Fact, Stored, Truth
from tests.fire.worlds import ORIGIN, World, make_world

# Chance from a seed and not from Hypothesis itself, which would draw each of its thousands of numbers.
chances = st.integers(0, 2**32).map(Random)
worlds = st.builds(make_world, chances, st.integers(2, 60))
forgetful = st.builds(make_world, chances, st.integers(2, 60), forgets=st.just(True))
keys = st.sampled_from([None, "k0", "k1"])


def breaches(world: World, key: str | None, records: list[ClientRecord]) -> Counter[Breach]:
    heard = hear(world.truth, "c1", ["tasks" if key is None else f"tasks/{key}"], records)
    return Counter(objection.breach for objection in heard.objections)


def places(records: list[ClientRecord], kind: type) -> list[int]:
    return [place for place, record in enumerate(records) if isinstance(record, kind)]


@given(worlds, chances, keys, st.sampled_from([0, ORIGIN]))
def test_who_was_served_as_promised_is_believed(
    world: World, chance: Random, key: str | None, after: int
) -> None:
    assert not breaches(world, key, world.served(chance, key, after))


@given(forgetful, chances, st.sampled_from([0, ORIGIN]))
def test_who_was_told_what_is_forgotten_is_believed(world: World, chance: Random, after: int) -> None:
    assert not breaches(world, None, world.served(chance, None, after))


@given(worlds, chances, keys)
def test_an_event_that_did_not_come_is_lost(world: World, chance: Random, key: str | None) -> None:
    records = world.served(chance, key, ORIGIN)
    assume(seen := places(records, Seen))
    del records[chance.choice(seen)]
    assert breaches(world, key, records)[Breach.LOST] == 1


@given(worlds, chances, keys)
def test_an_event_that_comes_again_is_seen_twice(world: World, chance: Random, key: str | None) -> None:
    records = world.served(chance, key, ORIGIN)
    assume(seen := places(records, Seen))
    place = chance.choice(seen)
    records.insert(chance.randrange(place + 1, len(records) + 1), records[place])
    assert breaches(world, key, records)[Breach.TWICE] == 1


@given(worlds, chances, keys)
def test_two_events_in_the_wrong_order_are_noticed(world: World, chance: Random, key: str | None) -> None:
    records = world.served(chance, key, ORIGIN)
    seen = places(records, Seen)
    assume(len(seen) > 1)
    turn = chance.randrange(len(seen) - 1)
    first, second = seen[turn], seen[turn + 1]
    records[first], records[second] = records[second], records[first]
    assert breaches(world, key, records)[Breach.DISORDER] >= 1


@given(worlds, chances, keys, st.sampled_from(["digest", "id", "key"]))
def test_an_event_that_is_not_what_was_published_is_noticed(
    world: World, chance: Random, key: str | None, what: str
) -> None:
    records = world.served(chance, key, ORIGIN)
    assume(seen := places(records, Seen))
    place = chance.choice(seen)
    record = records[place]
    assert isinstance(record, Seen)
    forged = {"digest": record.digest ^ 1, "id": "another", "key": "k9"}[what]
    records[place] = replace(record, **{what: forged})
    assert breaches(world, key, records)[Breach.ALTERED] >= 1


@given(worlds, chances, keys)
def test_what_is_still_missing_at_the_end_is_lost(world: World, chance: Random, key: str | None) -> None:
    records = world.served(chance, key, ORIGIN)
    assume(seen := places(records, Seen))
    assert breaches(world, key, records[: chance.choice(seen)])[Breach.LOST] == 1


@given(forgetful, chances)
def test_a_gap_that_was_not_told_is_a_loss(world: World, chance: Random) -> None:
    records = world.served(chance, None, ORIGIN)
    assume(told := places(records, Told))
    del records[chance.choice(told)]
    assert breaches(world, None, records)[Breach.LOST] == 1


@given(worlds, chances, keys, st.sampled_from(["expired", "unreadable", "reset"]))
def test_a_gap_over_what_is_still_kept_is_a_lie(
    world: World, chance: Random, key: str | None, reason: str
) -> None:
    records = world.served(chance, key, ORIGIN)
    assume(seen := places(records, Seen))
    place = chance.choice(seen)
    record = records[place]
    assert isinstance(record, Seen)
    records[place] = Told(record.feed, record.sequence, record.sequence, reason)
    assert breaches(world, key, records) == {Breach.UNTRUE: 1}


@given(worlds, chances, keys)
def test_a_server_that_begins_elsewhere_is_noticed(world: World, chance: Random, key: str | None) -> None:
    records = world.served(chance, key, ORIGIN)
    feed = "tasks" if key is None else f"tasks/{key}"
    place = chance.choice(places(records, Confirmed))
    confirmed = records[place]
    assert isinstance(confirmed, Confirmed)
    records.insert(place + 1, Opened(1.0, 1, 2, {feed: confirmed.sequence + 1}))
    assert breaches(world, key, records) == {Breach.UNTRUE: 1}


@given(worlds, chances)
def test_a_confirmation_ahead_of_what_came_is_a_loss(world: World, chance: Random) -> None:
    records = world.served(chance, None, ORIGIN)
    place = chance.choice(places(records, Seen)[:-1] or places(records, Seen))
    record = records[place]
    assert isinstance(record, Seen)
    records.insert(place, Confirmed(1.0, "tasks", record.sequence, is_live=True))
    assert breaches(world, None, records)[Breach.LOST] == 1


def test_a_client_that_was_never_served_is_noticed() -> None:
    world = make_world(Random(1), 5)
    assert breaches(world, None, []) == {Breach.LOST: 1}


def test_only_damage_by_the_network_excuses_a_client_that_stops() -> None:
    world = make_world(Random(1), 5)
    records = [*world.served(Random(1), None, ORIGIN), Stopped(1.0, 8001, 50_001, "1007")]
    for damage, breach in (({Damaged(8001, 50_001)}, []), ({Damaged(8001, 50_002)}, [Breach.STOPPED])):
        heard = hear(world.truth, "c1", ["tasks"], records, damage)
        assert [objection.breach for objection in heard.objections] == breach


@given(worlds, chances)
def test_an_acknowledged_event_that_the_stream_does_not_hold_is_lost(world: World, chance: Random) -> None:
    kept = [Stored(sequence, fact) for sequence, fact in world.events]
    missing = chance.randrange(len(kept))
    truth = Truth({"w": world.work()}, {"tasks": kept[:missing] + kept[missing + 1 :]})
    assume(missing > 0)
    assert Breach.LOST in {objection.breach for objection in truth.objections}


def test_an_event_stored_twice_is_noticed() -> None:
    fact = Fact("a", None, 1)
    work: list[WorkerRecord] = [Attempted("a", "lane", "tasks", None, 1), Acknowledged("a", 11)]
    truth = Truth({"w": work}, {"tasks": [Stored(11, fact), Stored(12, fact)]})
    assert [objection.breach for objection in truth.objections] == [Breach.TWICE]


def test_what_nobody_published_is_noticed() -> None:
    truth = Truth({"w": []}, {"tasks": [Stored(11, Fact("a", None, 1))]})
    assert [objection.breach for objection in truth.objections] == [Breach.ALTERED]


def test_a_lane_whose_later_event_is_stored_earlier_is_noticed() -> None:
    work: list[WorkerRecord] = [
        *(Attempted("a", "lane", "tasks", None, 1), Acknowledged("a", 12)),
        *(Attempted("b", "lane", "tasks", None, 2), Acknowledged("b", 11)),
    ]
    stored = [Stored(11, Fact("b", None, 2)), Stored(12, Fact("a", None, 1))]
    assert [objection.breach for objection in Truth({"w": work}, {"tasks": stored}).objections] == [
        Breach.DISORDER
    ]


def test_clients_must_agree_about_what_only_they_saw() -> None:
    """Published, never acknowledged, and forgotten by the stream since."""
    work: list[WorkerRecord] = [
        *(Attempted("a", "l", "tasks", None, 1), Attempted("b", "l", "tasks", None, 2)),
        *(Attempted("z", "l", "tasks", None, 9), Acknowledged("z", 20)),
    ]
    truth = Truth({"w": work}, {"tasks": [Stored(20, Fact("z", None, 9))]})
    assert truth.witness("tasks", 11, Fact("a", None, 1)) is None
    assert truth.witness("tasks", 11, Fact("a", None, 1)) is None
    assert truth.witness("tasks", 11, Fact("b", None, 2)) is not None
    assert truth.witness("tasks", 12, Fact("a", None, 1)) is not None
    assert truth.witness("tasks", 12, Fact("c", None, 3)) is not None


def test_whoever_asks_for_all_that_is_kept_misses_nothing_that_still_is() -> None:
    work: list[WorkerRecord] = []
    for number in range(1, 7):
        work += [Attempted(f"e{number}", "lane", "tasks", None, 0), Acknowledged(f"e{number}", number)]
    stored = [Stored(number, Fact(f"e{number}", None, 0)) for number in range(4, 7)]
    truth = Truth({"w": work}, {"tasks": stored})

    def came(*numbers: int) -> list[ClientRecord]:
        return [
            Opened(0.0, 1, 2, {"tasks": 0}),
            *(Seen("tasks", number, f"e{number}", 0, None, False) for number in numbers),
        ]

    # The third was kept when it came, or was forgotten already: nobody knows.
    assert not hear(truth, "c", ["tasks"], came(3, 4, 5, 6)).objections
    assert not hear(truth, "c", ["tasks"], came(4, 5, 6)).objections
    [objection] = hear(truth, "c", ["tasks"], came(6)).objections
    assert (objection.breach, objection.sequence, objection.events) == (Breach.LOST, 4, 2)
