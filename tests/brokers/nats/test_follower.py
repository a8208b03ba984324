"""What the follower decides, one decision at a time."""

import msgspec
import pytest

from pulse_radar.brokers.nats.follower import Follower
from pulse_radar.brokers.nats.steps import (
    Deliver,
    Fill,
    Identity,
    Recreate,
    Renumber,
    Sight,
    Verify,
    Wait,
)
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, StoredEvent

OURS: Identity = ("monday", 100)


def event(number: int, text: str = "as it was") -> StoredEvent:
    return StoredEvent(number, None, text.encode())


def sight(first: int, last: int, identity: Identity = OURS, *, is_torn: bool = False) -> Sight:
    return Sight(identity, Extent(identity[1], first, last), is_torn)


def state(first: int, last: int, identity: Identity = OURS, *, messages: int = 1_000) -> Sight:
    """A state topic, of which since `first` no deletion is forgotten."""
    return Sight(identity, Extent(identity[1], first, last), is_state=True, messages=messages)


def look(follower: Follower, seen: Sight, now: float = 0.0) -> None:
    """Answer the look at the stream that it asks for."""
    asked = follower.next(now)
    assert isinstance(asked, Verify)
    follower.verified(asked, seen, now)


def delivered(follower: Follower, now: float = 0.0) -> list[Entry]:
    step = follower.next(now)
    return list(step.entries) if isinstance(step, Deliver) else []


def live_at(position: int, *, may_mend: bool = False, room: int = 100) -> Follower:
    """A follower that has the events up to the position, and nothing to do until a second has passed."""
    follower = Follower(position - 1, may_mend=may_mend, room_events=room)
    look(follower, sight(100, position))
    follower.filled([event(position)], 0.0, is_end=True)
    assert delivered(follower) == [event(position)]
    assert follower.next(0.0) == Wait(1.0)
    return follower


def test_from_the_start_nothing_is_missed() -> None:
    follower = Follower(0, may_mend=False)
    look(follower, sight(104, 105))
    assert follower.next(0.0) == Fill(103, 105)
    follower.filled([event(104), event(105)], 0.0, is_end=True)
    assert delivered(follower) == [event(104), event(105)]


def test_a_position_from_before_this_stream_is_a_reset() -> None:
    follower = Follower(7, may_mend=False)
    look(follower, sight(104, 105))
    assert delivered(follower) == [Gap(None, 103, GapReason.RESET)]
    assert follower.next(0.0) == Fill(103, 105)


def test_a_position_that_the_stream_never_gave_out_is_a_reset_and_nothing_is_renumbered() -> None:
    follower = Follower(999, may_mend=True)
    look(follower, sight(104, 105))
    assert delivered(follower) == [Gap(None, 103, GapReason.RESET)]
    assert follower.next(0.0) == Fill(103, 105)


def test_what_expired_before_we_came_is_told() -> None:
    follower = Follower(101, may_mend=False)
    look(follower, sight(104, 105))
    assert delivered(follower) == [Gap(102, 103, GapReason.EXPIRED)]


def test_the_event_at_the_position_that_we_came_with_is_a_witness() -> None:
    follower = Follower(105, may_mend=False)
    look(follower, sight(100, 105))
    follower.filled([event(105)], 0.0, is_end=True)
    follower.announced(event(105, "of another history"))
    look(follower, sight(100, 105))
    assert follower.next(0.0) == Fill(105, 105)


def test_the_next_announcement_is_delivered_at_once() -> None:
    follower = live_at(105)
    follower.announced(event(106))
    follower.announced(event(107))
    assert delivered(follower) == [event(106), event(107)]


def test_an_announcement_heard_twice_is_delivered_once() -> None:
    follower = live_at(105)
    follower.announced(event(105))
    follower.announced(event(104))
    assert follower.next(0.0) == Wait(1.0)


def test_a_hole_is_filled_and_what_was_announced_meanwhile_follows() -> None:
    follower = live_at(105)
    follower.announced(event(108))
    look(follower, sight(100, 108))
    assert follower.next(0.0) == Fill(105, 108)
    follower.announced(event(109))
    follower.filled([event(105), event(106), event(107), event(108)], 0.0, is_end=True)
    assert delivered(follower) == [event(n) for n in (106, 107, 108, 109)]
    assert follower.next(0.0) == Wait(1.0)


def test_only_an_unbroken_run_of_announcements_is_kept() -> None:
    follower = live_at(105)
    follower.announced(event(107))
    follower.announced(event(109))
    look(follower, sight(100, 107))
    follower.filled([event(105), event(106), event(107)], 0.0, is_end=True)
    assert delivered(follower) == [event(106), event(107)]
    # 108 is still missing: looked at again, a little later.
    assert follower.next(0.0) == Wait(0.05)


def test_announcements_from_before_a_new_connection_are_not_trusted() -> None:
    follower = live_at(105)
    follower.announced(event(107, "of another history"))
    follower.reconnected()
    look(follower, sight(100, 106))
    follower.filled([event(105), event(106)], 0.0, is_end=True)
    assert delivered(follower) == [event(106)]
    follower.announced(event(107))
    assert delivered(follower) == [event(107)]


def test_what_is_on_its_way_is_not_fetched() -> None:
    follower = live_at(105)
    look(follower, sight(100, 106), now=1.0)
    assert follower.next(1.0) == Wait(1.1)
    follower.announced(event(106))
    assert delivered(follower, 1.05) == [event(106)]
    look(follower, sight(100, 107), now=1.1)
    assert follower.next(1.1) == Wait(2.1)


def test_a_server_that_is_slow_to_answer_does_not_hold_up_what_it_announces() -> None:
    follower = live_at(105)
    asked = follower.next(1.0)
    assert isinstance(asked, Verify)
    assert follower.next(1.0) == Wait(None)
    follower.announced(event(106))
    assert delivered(follower, 1.5) == [event(106)]
    assert follower.next(2.5) == Wait(None)
    follower.verified(asked, sight(100, 105), 2.5)
    assert follower.next(2.5) == Wait(3.5)


def test_an_announcement_that_never_came_is_fetched_after_a_moment() -> None:
    follower = live_at(105)
    look(follower, sight(100, 106), now=1.0)
    look(follower, sight(100, 106), now=1.1)
    assert follower.next(1.1) == Fill(105, 106)


def test_who_was_live_is_given_nothing_before_its_newest_event_is_found_again() -> None:
    follower = Follower(105, may_mend=False)
    look(follower, sight(100, 105))
    # It has heard by now that nothing follows its newest event; that says nothing of later.
    follower.filled([event(105)], 0.0, is_end=True)
    look(follower, sight(100, 106), now=1.0)
    look(follower, sight(100, 106), now=1.1)
    assert follower.next(1.1) == Fill(105, 106)
    follower.filled([event(105, "of another history"), event(106)], 1.1, is_end=True)
    assert delivered(follower, 1.1) == []


def test_a_purged_stream_is_told_though_nothing_is_left_to_fetch() -> None:
    follower = live_at(105)
    look(follower, sight(200, 199), now=1.0)
    look(follower, sight(200, 199), now=1.1)
    assert delivered(follower, 1.1) == [Gap(106, 199, GapReason.EXPIRED)]


def test_events_erased_from_the_end_are_told() -> None:
    follower = live_at(105)
    follower.reconnected()
    look(follower, sight(100, 107))
    assert follower.next(0.0) == Fill(105, reach=107)
    follower.filled([event(105)], 0.0, is_end=True)
    assert delivered(follower) == [Gap(106, 107, GapReason.EXPIRED)]


def test_of_a_replicated_stream_they_are_told_when_again_and_again_nobody_has_them() -> None:
    follower = live_at(105)
    follower.reconnected()
    seen = msgspec.structs.replace(sight(100, 107), is_replicated=True)
    for now in range(5):
        look(follower, seen, now)
        assert follower.next(now) == Fill(105, reach=107)
        follower.filled([event(105)], now, is_end=True)
    assert delivered(follower, 5.0) == [Gap(106, 107, GapReason.EXPIRED)]


def test_a_renumbering_that_got_no_answer_is_not_repeated_unseen() -> None:
    """It may be refused by one half of a cluster, and be heard by the other when they find each other again."""
    follower = live_at(105, may_mend=True)
    for now in (1.0, 2.0, 3.0):
        look(follower, sight(100, 103), now)
    assert follower.next(3.0) == Renumber(OURS, above=105)
    follower.failed(3.0)
    look(follower, sight(100, 105), 4.0)
    assert follower.next(4.0) == Fill(105, reach=105)


def test_a_stream_made_anew_is_a_reset_and_is_read_from_its_beginning() -> None:
    follower = live_at(105)
    follower.reconnected()
    look(follower, sight(500, 501, ("tuesday", 500)))
    assert delivered(follower) == [Gap(None, 499, GapReason.RESET)]
    assert follower.next(0.0) == Fill(499, 501)


def test_numbers_that_went_back_are_believed_the_third_time() -> None:
    follower = live_at(105, may_mend=True)
    for now in (1.0, 2.0):
        look(follower, sight(100, 103), now)
        assert follower.next(now) == Wait(now + 1.0)
    look(follower, sight(100, 103), 3.0)
    assert follower.next(3.0) == Renumber(OURS, above=105)
    follower.mended(3.0)
    look(follower, sight(900, 899, ("monday", 900)), 3.0)
    assert delivered(follower, 3.0) == [Gap(None, 899, GapReason.RESET)]


def test_a_look_that_is_older_than_an_announcement_proves_nothing() -> None:
    follower = live_at(105)
    for now in (1.0, 2.0, 3.0, 4.0):
        asked = follower.next(now)
        assert isinstance(asked, Verify)
        before = follower.position
        follower.announced(event(before + 1))
        follower.verified(asked, sight(100, before), now)
        assert delivered(follower, now) == [event(before + 1)]


def test_another_event_under_our_number_is_numbers_gone_back() -> None:
    follower = live_at(105, may_mend=True)
    follower.reconnected()
    for now in (1.0, 2.0, 3.0):
        look(follower, sight(100, 120), now)
        assert follower.next(now) == Fill(105, 120)
        follower.filled([event(105, "of another history")], now, is_end=True)
    assert follower.next(3.0) == Renumber(OURS, above=120)


def test_who_may_not_renumber_begins_anew_with_what_there_is() -> None:
    follower = live_at(105, may_mend=False)
    for now in (1.0, 2.0, 3.0):
        look(follower, sight(100, 103), now)
    look(follower, sight(100, 103), 3.0)
    assert delivered(follower, 3.0) == [Gap(None, 99, GapReason.RESET)]
    assert follower.next(3.0) == Fill(99, 103)


def test_who_is_refused_to_renumber_begins_anew_with_what_there_is() -> None:
    follower = live_at(105, may_mend=True)
    for now in (1.0, 2.0, 3.0):
        look(follower, sight(100, 103), now)
    assert isinstance(follower.next(3.0), Renumber)
    follower.cannot_mend(3.0)
    look(follower, sight(100, 103), 3.0)
    assert delivered(follower, 3.0) == [Gap(None, 99, GapReason.RESET)]


def test_a_stream_made_anew_with_lower_numbers_is_renumbered_at_once() -> None:
    follower = live_at(105, may_mend=True)
    look(follower, sight(1, 2, ("tuesday", 1)), 1.0)
    assert follower.next(1.0) == Renumber(("tuesday", 1), above=105)


def test_a_renumbering_that_somebody_left_unfinished_is_finished() -> None:
    follower = live_at(105, may_mend=True)
    look(follower, sight(900, 899, ("monday", 900), is_torn=True), 1.0)
    assert follower.next(1.0) == Renumber(("monday", 900), above=105)


def test_a_lost_stream_is_recreated_after_a_while() -> None:
    follower = live_at(105, may_mend=True)
    for now in (1.0, 2.0, 3.0):
        assert isinstance(follower.next(now), Verify)
        follower.missing(now)
    assert follower.next(4.0) == Recreate()


def test_a_lost_stream_is_waited_for_by_who_may_not_create_it() -> None:
    follower = live_at(105, may_mend=False)
    for now in range(1, 10):
        assert isinstance(follower.next(now), Verify)
        follower.missing(now)


@pytest.mark.parametrize("room", [1, 3])
def test_a_slow_consumer_costs_no_more_than_the_room(room: int) -> None:
    follower = live_at(105, room=room)
    for number in range(106, 200):
        follower.announced(event(number))
    assert delivered(follower) == [event(number) for number in range(106, 106 + room)]
    look(follower, sight(100, 199))
    assert follower.next(0.0) == Fill(105 + room, 199)


def test_after_no_answer_it_asks_again_a_little_later() -> None:
    follower = Follower(0, may_mend=False)
    assert isinstance(follower.next(0.0), Verify)
    follower.failed(0.0)
    assert follower.next(0.0) == Wait(0.25)
    assert isinstance(follower.next(0.25), Verify)


def test_a_new_connection_is_used_at_once() -> None:
    follower = Follower(0, may_mend=False)
    follower.failed(5.0)
    follower.reconnected()
    assert isinstance(follower.next(5.0), Verify)


def test_a_batch_of_unreadable_events_does_not_hold_it_up() -> None:
    unreadable = [Gap(number, number, GapReason.UNREADABLE) for number in (106, 107)]
    follower = live_at(105)
    follower.reconnected()
    look(follower, sight(100, 108))
    follower.filled([event(105), *unreadable], 0.0, is_end=False)
    assert delivered(follower) == unreadable
    # Asked from our newest event on, a small batch can be full of what we know.
    assert follower.next(0.0) == Fill(105, 108)
    follower.filled([event(105), *unreadable], 0.0, is_end=False)
    assert follower.next(0.0) == Fill(108, 108)


def test_a_state_is_read_from_its_beginning_though_old_deletions_are_forgotten() -> None:
    follower = Follower(0, may_mend=False)
    look(follower, state(150, 160))
    assert follower.next(0.0) == Fill(99, reach=160)
    follower.filled([event(120), event(155)], 0.0, is_end=True)
    holes = [Gap(100, 119, GapReason.EXPIRED), Gap(121, 154, GapReason.EXPIRED)]
    end = Gap(156, 160, GapReason.EXPIRED)
    assert delivered(follower) == [holes[0], event(120), holes[1], event(155), end]


def test_who_may_have_missed_a_deletion_begins_a_state_anew() -> None:
    follower = Follower(130, may_mend=False)
    look(follower, state(150, 160))
    assert delivered(follower) == [Gap(None, 99, GapReason.RESET)]
    assert follower.next(0.0) == Fill(99, reach=160)


def test_who_has_missed_no_deletion_goes_on() -> None:
    follower = Follower(149, may_mend=False)
    look(follower, state(150, 160))
    assert follower.next(0.0) == Fill(149, reach=160)


def test_a_long_reading_of_a_state_is_not_begun_anew_for_what_was_forgotten_before_it() -> None:
    follower = Follower(0, may_mend=False)
    look(follower, state(150, 160))
    assert follower.next(0.0) == Fill(99, reach=160)
    follower.filled([event(120)], 0.0, is_end=False)
    delivered(follower)
    follower.reconnected()
    look(follower, state(161, 165))
    assert follower.next(0.0) == Fill(120, reach=165)


def test_a_long_reading_of_a_state_is_begun_anew_for_what_was_forgotten_since() -> None:
    follower = Follower(0, may_mend=False)
    look(follower, state(150, 160))
    assert follower.next(0.0) == Fill(99, reach=160)
    follower.filled([event(120)], 0.0, is_end=False)
    delivered(follower)
    follower.reconnected()
    look(follower, state(163, 165))
    assert delivered(follower) == [Gap(None, 99, GapReason.RESET)]


def test_a_state_made_anew_between_a_look_and_a_batch_is_begun_anew() -> None:
    """What the batch brought is of the new stream, but what was known before it is of the old one."""
    follower = live_at(105)
    follower.announced(event(500))
    look(follower, state(100, 105))
    assert follower.next(0.0) == Fill(105, reach=105)
    follower.filled([event(500)], 0.0, is_end=True)
    delivered(follower)
    look(follower, state(500, 500, ("tuesday", 500)), now=1.0)
    assert delivered(follower, 1.0) == [Gap(None, 499, GapReason.RESET)]


def test_a_deletion_that_came_and_was_forgotten_between_a_look_and_a_batch_is_noticed() -> None:
    """As when the process is stopped just then."""
    follower = live_at(105)
    follower.reconnected()
    look(follower, state(100, 106))
    assert follower.next(0.0) == Fill(105, reach=106)
    # Of 106 to 109 one was a deletion, and nothing is left of it.
    follower.filled([event(110)], 0.0, is_end=True)
    delivered(follower)
    look(follower, state(109, 110), now=1.0)
    assert delivered(follower, 1.0) == [Gap(None, 99, GapReason.RESET)]


def test_what_was_heard_live_may_be_forgotten() -> None:
    follower = live_at(105)
    look(follower, state(100, 105), now=1.0)
    follower.announced(event(106))
    assert delivered(follower, 1.0) == [event(106)]
    look(follower, state(107, 106), now=2.0)
    assert follower.next(2.0) == Wait(3.0)


def state_of_three() -> Follower:
    """A follower that was told two keys and a deletion."""
    follower = Follower(0, may_mend=False)
    told: list[Entry] = [StoredEvent(n, key, b"{}", key == "c") for n, key in enumerate("abc", 103)]
    look(follower, state(100, 105, messages=3))
    follower.filled(told, 0.0, is_end=True)
    assert delivered(follower) == [Gap(100, 102, GapReason.EXPIRED), *told]
    return follower


def test_a_state_that_holds_less_than_was_told_in_three_looks_is_begun_anew() -> None:
    follower = state_of_three()
    for now in (1.0, 2.0):
        look(follower, state(100, 105, messages=2), now=now)
        assert follower.next(now) == Wait(now + 1)
    look(follower, state(100, 105, messages=2), now=3.0)
    assert delivered(follower, 3.0) == [Gap(None, 99, GapReason.RESET)]
    assert follower.next(3.0) == Fill(99, reach=105)


def test_a_state_that_holds_less_for_a_moment_only_is_in_the_middle_of_an_expiry() -> None:
    follower = state_of_three()
    for now, messages in enumerate((2, 2, 3, 2, 2, 3), 1):
        look(follower, state(100, 105, messages=messages), now=float(now))
        assert follower.next(float(now)) == Wait(now + 1.0)


def test_a_deletion_that_may_be_forgotten_need_not_be_held() -> None:
    follower = state_of_three()
    for now in range(1, 6):
        look(follower, state(106, 105, messages=2), now=float(now))
        assert follower.next(float(now)) == Wait(now + 1.0)


def test_its_repr_tells_where_it_is() -> None:
    assert repr(live_at(105)) == "<Follower at 105, live, 0 waiting>"
