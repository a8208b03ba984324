"""State topics as a client sees them: snapshots, changes, deletions, and what being slow costs."""

from itertools import chain

from pulse_radar.hub.inputs import Congested, Measured, Overflowed, StateOpened, Writable
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.frames import Subscribe, Unsubscribe
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent
from tests.hub.bench import Bench, deletion, event
from tests.stream.entries import expired, reset, unreadable

TOPIC = "metrics"
ORIGIN = 1_000


# Six keys for a process that sends two at a time and remembers two deletions.
SIX = tuple(event(TOPIC, 1_000 + n, f"k{n}") for n in range(6))
FORGETFUL = Limits(page_events=2, deletions_remembered=2)


def bench(*entries: Entry, limits: Limits = Limits()) -> Bench:  # noqa: B008 (frozen)
    """A hub with one state topic that began at 1,000 and has these entries."""
    made = Bench(TOPIC, limits=limits, is_begun=False)
    made.tell(StateOpened(TOPIC, ORIGIN - 1, Extent(ORIGIN, ORIGIN, ORIGIN - 1)))
    if entries:
        made.arrive(TOPIC, *entries)
    return made


def of(sequence: int, key: str) -> Entry:
    return event(TOPIC, sequence, key)


def gone(sequence: int, key: str) -> Entry:
    return deletion(TOPIC, sequence, key)


def test_a_new_subscriber_gets_the_newest_of_each_key_in_order() -> None:
    hub = bench(of(1_000, "a"), of(1_001, "b"), of(1_002, "a"), gone(1_003, "c"))
    hub.connect(TOPIC)
    assert hub.heard() == [
        "connected metrics:none",
        "metrics snapshot",
        "metrics/b:1001",
        "metrics/a:1002",
        "metrics live at 1003 after 2",
    ]


def test_an_empty_state_is_a_snapshot_of_nothing() -> None:
    hub = bench()
    hub.connect(TOPIC)
    assert hub.heard() == ["connected metrics:none", "metrics snapshot", "metrics live at 999 after 0"]


def test_a_resuming_subscriber_gets_what_changed_and_what_is_gone() -> None:
    hub = bench(of(1_000, "a"), of(1_001, "b"), of(1_002, "c"), gone(1_003, "a"), of(1_004, "b"))
    hub.connect(TOPIC, "metrics:1001")
    assert hub.heard() == [
        "connected metrics:1001",
        "metrics/c:1002",
        "metrics/a:1003 deleted",
        "metrics/b:1004",
        "metrics live at 1004 after 3",
    ]


def test_who_may_have_missed_a_deletion_gets_a_snapshot() -> None:
    hub = bench(of(1_000, "a"), gone(1_001, "b"), gone(1_002, "c"), limits=Limits(deletions_remembered=1))
    hub.connect(TOPIC, "metrics:1000")
    assert hub.heard() == [
        "connected metrics:none",
        "metrics snapshot",
        "metrics/a:1000",
        "metrics live at 1002 after 1",
    ]
    hub.connect(TOPIC, "metrics:1001", connection_id="young")
    assert hub.heard("young")[1] == "metrics/c:1002 deleted"


def test_live_changes_and_deletions_are_sent_as_they_come() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC)
    hub.frames()
    hub.arrive(TOPIC, of(1_001, "a"), of(1_002, "a"), gone(1_003, "a"))
    assert hub.heard() == ["metrics/a:1001", "metrics/a:1002", "metrics/a:1003 deleted"]
    hub.arrive(TOPIC, expired(1_004, 1_006), of(1_007, "b"))
    assert hub.heard() == ["metrics/b:1007"]


def test_one_key_is_followed_alone() -> None:
    hub = bench(of(1_000, "a"), of(1_001, "b"))
    hub.connect("metrics/a,metrics/z")
    assert hub.heard() == [
        "connected metrics/a:none,metrics/z:none",
        "metrics/a snapshot",
        "metrics/a:1000",
        "metrics/a live at 1001 after 1",
        "metrics/z snapshot",
        "metrics/z live at 1001 after 0",
    ]
    hub.arrive(TOPIC, of(1_002, "b"), of(1_003, "a"))
    assert hub.heard() == ["metrics/a:1003"]
    hub.connect("metrics/a", "metrics/a:1001", connection_id="resumed")
    assert hub.heard("resumed") == [
        "connected metrics/a:1001",
        "metrics/a:1003",
        "metrics/a live at 1003 after 1",
    ]


def test_the_last_n_of_a_state_is_the_state_by_the_query_too() -> None:
    hub = bench(of(1_000, "a"), of(1_001, "b"))
    hub.connect(TOPIC, last="metrics:1")
    assert hub.heard()[:3] == ["connected metrics:none", "metrics snapshot", "metrics/a:1000"]


def test_the_last_n_of_a_state_is_the_state() -> None:
    hub = bench(of(1_000, "a"), of(1_001, "b"))
    hub.connect("")
    hub.frames()
    hub.say(Unsubscribe(Feed(TOPIC)))
    hub.say(Subscribe(Feed(TOPIC), last=1))
    assert hub.heard()[1:4] == ["metrics snapshot", "metrics/a:1000", "metrics/b:1001"]


def test_a_slow_subscriber_gets_what_is_newest_when_it_has_room_again() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC)
    hub.frames()
    hub.tell(Congested("c"))
    assert hub.awaited == ["c"]
    for sequence in range(1_001, 1_041):
        hub.arrive(TOPIC, of(sequence, "ab"[sequence % 2]))
    assert hub.heard() == []
    hub.written()
    assert hub.heard() == ["metrics/b:1039", "metrics/a:1040"]
    hub.arrive(TOPIC, of(1_041, "a"))
    assert hub.heard() == ["metrics/a:1041"]
    assert hub.hub.stats().conflated == 1


def test_to_subscribe_again_while_slow_is_confirmed_once_it_is_live() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC)
    hub.frames()
    hub.tell(Congested("c"))
    hub.say(Subscribe(Feed(TOPIC)))
    hub.arrive(TOPIC, of(1_001, "a"))
    assert hub.heard() == []
    hub.written()
    assert hub.heard() == ["metrics/a:1001", "metrics live at 1001 after 1"]


def test_what_is_no_event_is_told_to_whoever_is_live_and_kept_for_nobody() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC)
    hub.connect("metrics/a", connection_id="keyed")
    hub.frames(), hub.frames("keyed")
    hub.arrive(TOPIC, unreadable(1_001), of(1_002, "b"))
    assert hub.heard() == ["metrics gap 1001-1001 unreadable", "metrics/b:1002"]
    assert hub.heard("keyed") == ["metrics/a gap 1001-1001 unreadable"]
    assert hub.hub.stats().gaps == {"unreadable": 2}
    hub.connect(TOPIC, "metrics:1000", connection_id="later")
    assert hub.heard("later")[1:] == ["metrics/b:1002", "metrics live at 1002 after 1"]


def test_a_slow_subscriber_of_logs_is_not_spared() -> None:
    hub = Bench("tasks")
    hub.connect("tasks")
    hub.frames()
    hub.tell(Congested("c"))
    hub.arrive("tasks", event("tasks", 1_001))
    assert hub.heard() == ["tasks:1001"]
    hub.tell(Overflowed("c"))
    assert hub.closed["c"][0] == 4000


def test_a_long_snapshot_goes_a_page_at_a_time_while_the_state_changes() -> None:
    hub = bench(*(of(1_000 + n, f"k{n}") for n in range(6)), limits=Limits(page_events=2))
    hub.connect(TOPIC)
    assert hub.heard() == ["connected metrics:none", "metrics snapshot", "metrics/k0:1000", "metrics/k1:1001"]
    hub.arrive(TOPIC, of(1_006, "k0"), gone(1_007, "k4"), gone(1_008, "k1"))
    assert hub.heard() == []
    hub.written()
    assert hub.heard() == ["metrics/k2:1002", "metrics/k3:1003"]
    hub.written()
    assert hub.heard() == ["metrics/k5:1005", "metrics/k0:1006"]
    hub.written()
    assert hub.heard() == [
        "metrics/k4:1007 deleted",
        "metrics/k1:1008 deleted",
        "metrics live at 1008 after 8",
    ]


def test_a_long_snapshot_ends_however_much_is_deleted_meanwhile() -> None:
    """It was begun anew whenever more was deleted than is remembered, and the last keys never came."""
    hub = bench(*SIX, limits=FORGETFUL)
    hub.connect(TOPIC)
    for first in range(1_006, 1_018, 6):
        come_and_gone = [(of(n, f"x{n}"), gone(n + 1, f"x{n}")) for n in range(first, first + 6, 2)]
        hub.arrive(TOPIC, *chain.from_iterable(come_and_gone))
        hub.written()
    hub.written()
    assert hub.heard() == [
        "connected metrics:none",
        "metrics snapshot",
        *(f"metrics/k{n}:{1_000 + n}" for n in range(6)),
        "metrics live at 1017 after 6",
    ]


def test_a_slow_subscriber_hears_of_every_deletion_of_what_it_was_given() -> None:
    hub = bench(*SIX, limits=FORGETFUL)
    hub.connect(TOPIC)
    hub.written()
    assert hub.heard()[2:] == [f"metrics/k{n}:{1_000 + n}" for n in range(4)]
    hub.arrive(TOPIC, *(gone(1_006 + n, f"k{n}") for n in range(4)))
    for _ in range(4):
        hub.written()
    assert hub.heard() == [
        "metrics/k4:1004",
        "metrics/k5:1005",
        *(f"metrics/k{n}:{1_006 + n} deleted" for n in range(4)),
        "metrics live at 1009 after 10",
    ]


def test_who_was_live_here_and_is_slow_needs_no_snapshot() -> None:
    hub = bench(*SIX, limits=FORGETFUL)
    hub.connect(TOPIC, "metrics:1003")
    hub.written()
    assert hub.heard()[-1] == "metrics live at 1005 after 2"
    hub.tell(Congested("c"))
    hub.arrive(TOPIC, *(gone(1_006 + n, f"k{n}") for n in range(5)))
    for _ in range(3):
        hub.written()
    assert hub.heard() == [f"metrics/k{n}:{1_006 + n} deleted" for n in range(5)]


def test_a_state_that_begins_anew_is_sent_whole_once_it_is_whole() -> None:
    hub = bench(of(1_000, "a"), of(1_001, "b"))
    hub.connect(TOPIC)
    hub.frames()
    hub.arrive(TOPIC, reset(999), of(1_001, "b"))
    assert hub.heard() == []
    assert hub.measures == [TOPIC]
    hub.tell(Measured(TOPIC, Extent(ORIGIN, 1_050, 1_060)))
    assert hub.heard() == []
    hub.arrive(TOPIC, expired(1_002, 1_059), of(1_060, "c"))
    assert hub.heard() == [
        "metrics snapshot",
        "metrics/b:1001",
        "metrics/c:1060",
        "metrics live at 1060 after 2",
    ]


def test_a_slow_subscriber_is_told_that_a_state_began_anew() -> None:
    """Keys a and b are gone from the broker while the client is slow: the tail says reset, and c again."""
    hub = bench(of(1_000, "a"), of(1_001, "b"), of(1_002, "c"))
    hub.connect(TOPIC)
    hub.frames()
    hub.tell(Congested("c"))
    hub.arrive(TOPIC, reset(999), of(1_002, "c"))
    hub.tell(Measured(TOPIC, Extent(ORIGIN, ORIGIN, 1_002)))
    hub.tell(Writable("c"))
    assert hub.heard() == ["metrics snapshot", "metrics/c:1002", "metrics live at 1002 after 1"]


def test_a_state_of_the_very_first_numbers_begins_anew_as_any_other() -> None:
    hub = Bench(TOPIC, is_begun=False)
    hub.tell(StateOpened(TOPIC, 0, Extent(1, 1, 0)))
    hub.connect(TOPIC)
    hub.arrive(TOPIC, of(1, "a"), of(2, "b"))
    assert hub.heard()[1:3] == ["metrics snapshot", "metrics live at 0 after 0"]
    hub.frames()
    hub.arrive(TOPIC, reset(0), of(1, "c"))
    hub.tell(Measured(TOPIC, Extent(1, 1, 1)))
    assert hub.heard() == ["metrics snapshot", "metrics/c:1", "metrics live at 1 after 1"]


def test_a_busy_state_that_begins_anew_is_whole_as_soon_as_it_is_known_how_far_it_goes() -> None:
    """What arrives while the broker is asked does not make its answer void."""
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC)
    hub.frames()
    hub.arrive(TOPIC, reset(999))
    hub.arrive(TOPIC, of(1_001, "b"))
    hub.arrive(TOPIC, of(1_002, "c"))
    hub.tell(Measured(TOPIC, Extent(ORIGIN, 1_001, 1_001)))
    assert hub.heard()[0] == "metrics snapshot"
    assert hub.measures == [TOPIC]


def test_an_answer_from_before_the_state_began_anew_proves_nothing() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC, "metrics:1500", connection_id="ahead")
    assert hub.measures == [TOPIC]
    hub.arrive(TOPIC, reset(999))
    hub.tell(Measured(TOPIC, Extent(ORIGIN, ORIGIN, ORIGIN - 1)))
    hub.connect(TOPIC, connection_id="new")
    assert hub.heard("new") == []
    hub.tick(now=0.6)
    assert hub.measures == [TOPIC, TOPIC]
    hub.tell(Measured(TOPIC, Extent(ORIGIN, ORIGIN + 1, ORIGIN)))
    hub.arrive(TOPIC, of(1_000, "b"))
    assert hub.heard("new")[1:3] == ["metrics snapshot", "metrics/b:1000"]


def test_a_cursor_that_was_never_given_out_ends_in_a_snapshot() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC, "metrics:5000")
    assert hub.heard() == ["connected metrics:5000"]
    for turn in range(1, 4):
        hub.tell(Measured(TOPIC, Extent(ORIGIN, ORIGIN, 1_000)))
        hub.tick(now=turn * 0.6)
    assert hub.heard() == ["metrics snapshot", "metrics/a:1000", "metrics live at 1000 after 1"]


def test_pings_keep_the_cursor_of_a_quiet_state_young() -> None:
    hub = bench(of(1_000, "a"))
    hub.connect(TOPIC)
    hub.arrive(TOPIC, expired(1_001, 1_009))
    hub.frames()
    hub.tick(now=20.0)
    assert hub.heard() == ["ping metrics:1009"]


def test_a_process_greets_nobody_before_its_states_are_whole() -> None:
    hub = Bench(TOPIC, is_begun=False)
    hub.tell(StateOpened(TOPIC, ORIGIN - 1, Extent(ORIGIN, ORIGIN, 1_002)))
    hub.connect(TOPIC)
    hub.arrive(TOPIC, of(1_001, "a"))
    assert hub.heard() == []
    hub.arrive(TOPIC, of(1_002, "b"))
    assert hub.heard()[:2] == ["connected metrics:none", "metrics snapshot"]
