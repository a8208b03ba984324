"""Catching up: in order, a page at a time, no faster than the client reads, and no loss left untold."""

import pytest

from pulse_radar.hub.actions import Read
from pulse_radar.hub.inputs import Closed, Measured, PageRead, ReadFailed
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.frames import (
    Connected,
    EventFrame,
    GapReason,
    Pong,
    Subscribe,
    Subscribed,
    Unsubscribe,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent, Gap, Page
from tests.hub.bench import HEAD, Bench, event, events

SMALL = Limits(window_events=10, page_events=4)


def history(*entries: Entry, first: int, last: int) -> Page:
    """A page as a broker reads it that holds `first` to `last`, and speaks up to its last entry."""
    return Page(Extent(1, first, last), entries, entries[-1].last)


def told(bench: Bench) -> list[str]:
    """All that a client hears when it takes everything at once."""
    words = bench.heard()
    while bench.awaited:
        bench.written()
        words += bench.heard()
    return words


def test_a_resume_from_the_window_asks_nobody() -> None:
    bench = Bench("messages")
    bench.arrive("messages", *events("messages", 1_001, 1_003))
    bench.connect("messages", "messages:1001")
    assert told(bench) == [
        "connected messages:1001",
        "messages:1002",
        "messages:1003",
        "messages live at 1003 after 2",
    ]
    assert bench.reads == []


def test_a_client_that_is_up_to_date_is_live_at_once() -> None:
    bench = Bench("messages")
    bench.connect("messages", f"messages:{HEAD}")
    assert bench.heard() == ["connected messages:1000", "messages live at 1000 after 0"]


def test_a_client_without_a_cursor_is_told_where_it_begins() -> None:
    bench = Bench("messages")
    bench.arrive("messages", event("messages", 1_001))
    bench.connect("messages")
    bench.arrive("messages", event("messages", 1_002))
    assert bench.heard() == ["connected messages:1001", "messages live at 1001 after 0", "messages:1002"]


def test_what_is_older_than_the_window_is_read_from_the_broker() -> None:
    bench = Bench("messages", limits=SMALL)
    bench.arrive("messages", *events("messages", 1_001, 1_012))
    bench.connect("messages", "messages:1000")
    [read] = bench.reads
    assert (read.feed, read.after, read.limit) == (Feed("messages"), 1_000, 4)
    bench.tell(PageRead(read.ticket, history(*events("messages", 1_001, 1_004), first=900, last=1_012)))
    words = told(bench)
    assert words[0] == "connected messages:1000"
    assert words[1:-1] == [f"messages:{sequence}" for sequence in range(1_001, 1_013)]
    assert words[-1] == "messages live at 1012 after 12"


def test_a_cursor_of_0_gets_all_that_is_kept_and_no_gap() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:0")
    [read] = bench.reads
    assert read.after == 0
    bench.tell(PageRead(read.ticket, history(*events("messages", 998, 1_000), first=998, last=1_000)))
    assert told(bench) == [
        "connected messages:0",
        "messages:998",
        "messages:999",
        "messages:1000",
        "messages live at 1000 after 3",
    ]


def test_what_is_no_longer_kept_is_told_before_what_is() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:500")
    missed = Gap(501, 998, GapReason.EXPIRED)
    page = history(missed, *events("messages", 999, 1_000), first=999, last=1_000)
    bench.tell(PageRead(bench.reads[0].ticket, page))
    assert told(bench) == [
        "connected messages:500",
        "messages gap 501-998 expired",
        "messages:999",
        "messages:1000",
        "messages live at 1000 after 2",
    ]
    assert bench.hub.stats().gaps == {"expired": 1}


def test_live_events_never_overtake_the_replay() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:998")
    bench.arrive("messages", event("messages", 1_001))
    assert bench.heard() == ["connected messages:998"]
    page = history(*events("messages", 999, 1_000), first=1, last=1_000)
    bench.tell(PageRead(bench.reads[0].ticket, page))
    assert told(bench) == ["messages:999", "messages:1000", "messages:1001", "messages live at 1001 after 3"]


# No faster than the client reads.


def test_a_long_replay_goes_a_page_at_a_time() -> None:
    bench = Bench("messages", limits=Limits(page_events=100))
    bench.arrive("messages", *events("messages", 1_001, 1_250))
    bench.connect("messages", "messages:1000")
    sizes = [len(bench.heard()) - 1]
    while bench.awaited:
        assert bench.hub.stats().subscriptions_live == 0
        bench.written()
        sizes.append(len(bench.heard()))
    assert sizes == [100, 100, 51]


def test_a_replay_waits_as_long_as_it_is_not_written() -> None:
    bench = Bench("messages", limits=Limits(page_events=2))
    bench.arrive("messages", *events("messages", 1_001, 1_003))
    bench.connect("messages", "messages:1000")
    assert bench.heard() == ["connected messages:1000", "messages:1001", "messages:1002"]
    bench.arrive("messages", event("messages", 1_004))
    bench.say(Subscribe(Feed("messages")))
    bench.tick(now=9.0)
    assert bench.heard() == []
    bench.written()
    assert bench.heard() == ["messages:1003", "messages:1004", "messages live at 1004 after 4"]


def test_a_replay_of_large_events_goes_in_pages_of_bytes() -> None:
    bench = Bench("messages", limits=Limits(page_bytes=10_000))
    bench.arrive("messages", *events("messages", 1_001, 1_040, size=3_000))
    bench.connect("messages", "messages:1000")
    assert_pages_are_small(bench, limit=10_000 + 3_200, live_at=1_040)


def test_a_page_of_large_events_from_the_broker_is_handed_on_in_pages_of_bytes() -> None:
    bench = Bench("messages", limits=Limits(page_bytes=10_000))
    stored = events("messages", 961, 1_000, size=3_000)
    bench.connect("messages", "messages:960")
    assert_pages_are_small(bench, limit=10_000 + 3_200, live_at=1_000, stored=stored)


@pytest.mark.parametrize("feed", ["messages", "messages/k"])
def test_who_asks_for_the_same_history_again_and_again_waits_as_for_any_page(feed: str) -> None:
    bench = Bench("messages", limits=Limits(page_events=1_000, page_bytes=10_000))
    bench.arrive("messages", *events("messages", 1_001, 1_010, size=500))
    bench.connect("knowledge")
    bench.frames()
    for _ in range(100):
        bench.say(Subscribe(Feed.parse(feed), HEAD))
        bench.say(Unsubscribe(Feed.parse(feed)))
    # A page and what is left of the one before, and nothing for the rest of them.
    assert (
        bench.bytes() < 100 * len(f'{{"type":"subscription","action":"unsubscribed","topic":"{feed}"}}') * 3
    )
    assert bench.awaited == ["c"]


def test_of_large_old_events_hardly_more_is_read_than_is_sent() -> None:
    """However small the new ones are that are held here."""
    old = 300
    bench = Bench("messages", start=HEAD + old, head=HEAD + old, limits=Limits(page_bytes=10_000))
    bench.arrive("messages", *events("messages", HEAD + old + 1, HEAD + old + 10))
    bench.connect("messages", f"messages:{HEAD}")
    read = []
    while bench.awaited or bench.reads:
        while bench.reads:
            [ask] = bench.reads
            bench.reads.clear()
            page = events("messages", ask.after + 1, min(HEAD + old, ask.after + ask.limit), size=9_000)
            read.append(len(page))
            bench.tell(PageRead(ask.ticket, Page(Extent(1, HEAD + 1, HEAD + old + 10), page, page[-1].last)))
        bench.written()
    assert [word for word in bench.heard() if "live" in word] == [
        f"messages live at {HEAD + old + 10} after 310"
    ]
    assert max(read) <= 100
    assert sum(read) <= 3 * old


def test_feeds_that_catch_up_together_share_one_page_of_bytes() -> None:
    topics = [f"topic-{number}" for number in range(9)]
    bench = Bench(*topics, limits=Limits(page_bytes=10_000))
    for topic in topics:
        bench.arrive(topic, *events(topic, 1_001, 1_003, size=3_000))
    bench.connect(",".join(topics), ",".join(f"{topic}:1000" for topic in topics))
    most = bench.bytes()
    while bench.awaited:
        bench.written()
        most = max(most, bench.bytes())
    assert most <= 2 * 10_000
    assert bench.hub.stats().subscriptions_live == 9


def test_feeds_that_catch_up_from_the_broker_take_turns() -> None:
    topics = [f"topic-{number}" for number in range(9)]
    bench = Bench(*topics, limits=Limits(page_bytes=10_000))
    bench.connect(",".join(topics), ",".join(f"{topic}:997" for topic in topics))
    most = bench.bytes()
    while bench.reads or bench.awaited:
        for read in bench.reads[:]:
            bench.reads.remove(read)
            topic = read.feed.topic
            page = history(*events(topic, 998, 1_000, size=3_000), first=1, last=1_000)
            bench.tell(PageRead(read.ticket, page))
        most = max(most, bench.bytes())
        bench.written()
    assert most <= 2 * 10_000
    assert bench.hub.stats().subscriptions_live == 9


def assert_pages_are_small(bench: Bench, limit: int, live_at: int, stored: tuple[Entry, ...] = ()) -> None:
    """Every write is within the limit, everything comes in order, and the client gets live."""
    seen: list[int] = []
    while True:
        assert bench.bytes() <= limit
        for frame in bench.frames():
            match frame:
                case EventFrame(sequence=sequence):
                    seen.append(sequence)
                case Subscribed(_, sequence, replayed):
                    assert (sequence, replayed) == (live_at, 40)
                    assert seen == list(range(live_at - 39, live_at + 1))
                    return
                case other:
                    assert isinstance(other, Connected)
        if bench.awaited:
            bench.written()
        else:
            read = bench.reads.pop()
            found = [entry for entry in stored if entry.last > read.after][: read.limit]
            bench.tell(PageRead(read.ticket, history(*found, first=1, last=live_at)))


def test_a_page_that_comes_for_a_feed_that_was_left_does_not_hold_up_the_others() -> None:
    bench = Bench("messages", "knowledge")
    bench.connect("messages,knowledge", "messages:900,knowledge:900")
    bench.say(Unsubscribe(Feed("messages")))
    answered: set[int] = set()
    while waiting := [read for read in bench.reads if read.ticket not in answered]:
        read = waiting[0]
        answered.add(read.ticket)
        bench.tell(PageRead(read.ticket, Page(Extent(1, 901, HEAD), (event(read.feed.topic, HEAD),), HEAD)))
        bench.written()
    assert "knowledge live at 1000 after 1" in bench.heard()


def test_a_page_that_comes_for_a_client_that_is_gone_is_dropped() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:900")
    bench.tell(Closed("c"))
    bench.tell(PageRead(bench.reads[0].ticket, history(event("messages", HEAD), first=901, last=HEAD)))
    bench.frames()
    assert bench.heard() == []


# A broker that is away, or behind.


def test_a_read_that_failed_is_tried_again_half_a_second_later() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:900")
    bench.tell(ReadFailed(bench.reads[0].ticket))
    assert len(bench.reads) == 1
    bench.tick(now=0.5)
    assert [read.after for read in bench.reads] == [900, 900]


def test_a_read_that_failed_is_not_tried_again_for_a_feed_that_was_left() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:900")
    bench.tell(ReadFailed(bench.reads[0].ticket))
    bench.say(Unsubscribe(Feed("messages")))
    bench.tick(now=5.0)
    assert len(bench.reads) == 1


def test_a_read_that_is_answered_twice_is_heard_once() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:998")
    page = history(*events("messages", 999, 1_000), first=901, last=HEAD)
    for _ in range(2):
        bench.tell(PageRead(bench.reads[0].ticket, page))
    assert told(bench)[1:] == ["messages:999", "messages:1000", "messages live at 1000 after 2"]


def test_a_read_that_failed_does_not_hold_up_the_others() -> None:
    bench = Bench("messages", "knowledge")
    bench.arrive("knowledge", event("knowledge", 1_001))
    bench.connect("messages,knowledge", "messages:900,knowledge:1000")
    bench.tell(ReadFailed(bench.reads[0].ticket))
    assert "knowledge live at 1001 after 1" in told(bench)


@pytest.mark.parametrize(
    "page",
    [
        Page(Extent(1, 901, 940), (), 940),  # it has less than we were served from already
        Page(Extent(1, 901, 950), (), 950),  # it has nothing after the cursor
    ],
)
def test_a_page_of_a_server_that_is_behind_is_asked_for_again(page: Page) -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:950")
    bench.tell(PageRead(bench.reads[0].ticket, page))
    assert bench.heard() == ["connected messages:950"]
    bench.tick(now=0.5)
    assert [read.after for read in bench.reads] == [950, 950]


# A cursor that is ahead of this process.


def test_a_cursor_ahead_of_this_process_waits_until_the_tail_is_there() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:1002")
    assert bench.heard() == ["connected messages:1002"]
    bench.arrive("messages", *events("messages", 1_001, 1_002))
    assert bench.heard() == ["messages live at 1002 after 0"]
    bench.arrive("messages", event("messages", 1_003))
    assert bench.heard() == ["messages:1003"]


def test_a_cursor_ahead_of_the_broker_is_void_when_the_broker_says_so_three_times() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:5000")
    for _ in range(2):
        bench.tell(Measured(bench.measures.pop(), Extent(1, 901, HEAD)))
        assert bench.heard() in ([], ["connected messages:5000"])
        bench.tick(now=bench.now + 0.5)
    bench.tell(Measured(bench.measures.pop(), Extent(1, 901, HEAD)))
    assert bench.heard() == ["messages gap None-900 reset"]
    assert [read.after for read in bench.reads] == [900]


def test_clients_that_come_together_are_judged_by_answers_that_lie_apart() -> None:
    bench = Bench("messages")
    for number in range(20):
        bench.connect("messages", "messages:5000", connection_id=f"c{number}")
        bench.now += 0.01
        for _ in range(len(bench.measures)):
            bench.tell(Measured(bench.measures.pop(), Extent(1, 901, HEAD)))
    assert not any("gap" in line for number in range(20) for line in bench.heard(f"c{number}"))
    asked = 0
    for _ in range(50):
        bench.tick(now=bench.now + 0.1)
        asked += len(bench.measures)
        bench.measures.clear()
        bench.tell(Measured("messages", None))
    assert asked <= 11


def test_a_server_that_knows_the_cursor_after_all_clears_it_of_suspicion() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:1002")
    bench.frames()
    for last in (HEAD, HEAD, 1_002, HEAD, HEAD):
        bench.tell(Measured(bench.measures.pop(), Extent(1, 901, last)))
        bench.tick(now=bench.now + 0.5)
    bench.tell(Measured(bench.measures.pop(), None))
    assert bench.heard() == []
    bench.arrive("messages", *events("messages", 1_001, 1_002))
    assert bench.heard() == ["messages live at 1002 after 0"]


def test_nobody_who_came_after_the_question_is_judged_by_its_answer() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:1001")
    bench.connect("messages", "messages:1001", connection_id="later")
    assert bench.measures == ["messages"]
    bench.tell(Measured("messages", Extent(1, 901, HEAD)))
    bench.tick(now=0.5)
    assert bench.measures == ["messages", "messages"]


# Holes.


def test_neighbouring_unreadable_events_are_told_as_one_gap() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.frames()
    bad = [Gap(sequence, sequence, GapReason.UNREADABLE) for sequence in (1_001, 1_002, 1_003)]
    bench.arrive("messages", *bad, event("messages", 1_004))
    assert bench.heard() == ["messages gap 1001-1003 unreadable", "messages:1004"]
    bench.connect("messages", "messages:1000", connection_id="later")
    assert bench.heard("later")[1:] == [
        "messages gap 1001-1003 unreadable",
        "messages:1004",
        "messages live at 1004 after 1",
    ]
    assert bench.hub.stats().gaps == {"unreadable": 2}


def test_a_hole_in_the_tail_is_told_to_everyone_live() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.connect("messages/a", connection_id="keyed")
    bench.frames(), bench.frames("keyed")
    bench.arrive("messages", event("messages", 1_005, "b"))
    assert bench.heard() == ["messages gap 1001-1004 expired", "messages/b:1005"]
    assert bench.heard("keyed") == ["messages/a gap 1001-1004 expired"]


def test_a_hole_before_the_window_is_told_without_a_question() -> None:
    bench = Bench("messages")
    bench.arrive("messages", Gap(1_001, 2_000, GapReason.EXPIRED), event("messages", 2_001))
    bench.connect("messages", "messages:1500")
    assert told(bench) == [
        "connected messages:1500",
        "messages gap 1501-2000 expired",
        "messages:2001",
        "messages live at 2001 after 1",
    ]
    assert bench.reads == []


def test_a_replay_is_told_of_a_reset_under_which_it_stands() -> None:
    """A log is rolled back to 1,000 and grows past the cursor of a client whose replay is under way."""
    bench = Bench("messages", limits=Limits(page_events=2))
    bench.arrive("messages", *events("messages", 1_001, 1_010))
    bench.connect("messages", "messages:1000")
    assert bench.heard() == ["connected messages:1000", "messages:1001", "messages:1002"]
    bench.arrive("messages", Gap(None, HEAD, GapReason.RESET), *events("messages", 1_001, 1_005))
    # The new 1001 and 1002 are other events than those that it has.
    assert told(bench) == [
        "messages gap None-1000 reset",
        *(f"messages:{sequence}" for sequence in range(1_001, 1_006)),
        "messages live at 1005 after 7",
    ]


def test_a_page_from_before_a_reset_is_not_heeded_after_it() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:990")
    [old] = bench.reads
    bench.arrive("messages", Gap(None, 980, GapReason.RESET), *events("messages", 981, 982))
    page = history(*events("messages", 991, 1_000), first=1, last=HEAD)
    bench.tell(PageRead(old.ticket, page))
    assert told(bench) == [
        "connected messages:990",
        "messages gap None-980 reset",
        "messages:981",
        "messages:982",
        "messages live at 982 after 2",
    ]


def test_who_is_ahead_of_this_process_is_not_told_of_a_reset_that_may_be_behind_it() -> None:
    """It comes from a process that is in the new numbers already."""
    bench = Bench("messages")
    bench.connect("messages", "messages:2002")
    bench.frames()
    bench.arrive("messages", Gap(None, 2_000, GapReason.RESET), *events("messages", 2_001, 2_003))
    assert told(bench) == ["messages:2003", "messages live at 2003 after 1"]


def test_who_is_ahead_of_a_process_whose_numbers_go_back_is_told_of_the_reset() -> None:
    """Its cursor may be of before; once the new numbers have grown past it, nothing would tell."""
    bench = Bench("messages")
    bench.connect("messages", "messages:1005")
    bench.frames()
    bench.arrive("messages", Gap(None, 900, GapReason.RESET), *events("messages", 901, 1_010))
    assert told(bench) == [
        "messages gap None-900 reset",
        *(f"messages:{sequence}" for sequence in range(901, 1_011)),
        "messages live at 1010 after 110",
    ]


def test_who_is_ahead_is_told_of_a_reset_to_where_the_process_stands() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:1001")
    bench.frames()
    bench.arrive("messages", Gap(None, HEAD, GapReason.RESET), event("messages", 1_001))
    assert told(bench) == ["messages gap None-1000 reset", "messages:1001", "messages live at 1001 after 1"]


# The last n.


def test_the_last_n_of_a_topic_come_first() -> None:
    bench = Bench("messages")
    bench.arrive("messages", *events("messages", 1_001, 1_010))
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=2))
    assert told(bench) == ["messages:1009", "messages:1010", "messages live at 1010 after 2"]


def test_the_last_n_are_asked_for_by_the_query_too_and_have_no_position_before_the_first_of_them() -> None:
    bench = Bench("messages", "knowledge")
    bench.arrive("messages", *events("messages", 1_001, 1_010))
    bench.connect("messages,knowledge", last="messages:2")
    assert told(bench) == [
        "connected messages:none,knowledge:1000",
        "messages:1009",
        "messages:1010",
        "messages live at 1010 after 2",
        "knowledge live at 1000 after 0",
    ]


def test_a_client_that_comes_back_with_a_position_has_had_the_last_n() -> None:
    bench = Bench("messages")
    bench.arrive("messages", *events("messages", 1_001, 1_010))
    bench.connect("messages", "messages:1009", last="messages:5")
    assert told(bench) == ["connected messages:1009", "messages:1010", "messages live at 1010 after 1"]


def test_the_last_n_of_a_key_come_first() -> None:
    bench = Bench("messages")
    bench.arrive("messages", *(event("messages", 1_001 + n, "ab"[n % 2]) for n in range(10)))
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages", "a"), last=2))
    assert told(bench) == ["messages/a:1007", "messages/a:1009", "messages/a live at 1010 after 2"]


def test_fewer_than_the_last_n_are_no_gap() -> None:
    bench = Bench("messages")
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=50))
    [read] = bench.reads
    assert read.after == 950
    missed = Gap(951, 998, GapReason.EXPIRED)
    page = history(missed, *events("messages", 999, 1_000), first=999, last=1_000)
    bench.tell(PageRead(read.ticket, page))
    assert told(bench) == ["messages:999", "messages:1000", "messages live at 1000 after 2"]
    assert bench.hub.stats().gaps == {}


def test_fewer_than_the_last_n_since_a_reset_are_no_gap() -> None:
    bench = Bench("messages")
    bench.arrive("messages", Gap(None, 2_000, GapReason.RESET), event("messages", 2_001))
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=50))
    assert told(bench) == ["messages:2001", "messages live at 2001 after 1"]


def test_a_reset_while_the_last_n_are_read_is_told() -> None:
    bench = Bench("messages")
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=50))
    bench.arrive("messages", Gap(None, 2_000, GapReason.RESET), event("messages", 2_001))
    assert told(bench) == ["messages gap None-2000 reset", "messages:2001", "messages live at 2001 after 1"]


def test_a_reset_that_is_found_where_the_last_n_are_read_is_told() -> None:
    """The broker has a new stream, of which this process has not heard yet."""
    bench = Bench("messages")
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=50))
    anew = Gap(None, 2_000, GapReason.RESET)
    page = Page(Extent(2_001, 2_001, 2_001), (anew, event("messages", 2_001)), 2_001)
    bench.tell(PageRead(bench.reads[0].ticket, page))
    bench.written()
    bench.arrive("messages", anew, event("messages", 2_001))
    assert told(bench) == ["messages gap None-2000 reset", "messages:2001", "messages live at 2001 after 1"]


def test_fewer_than_the_last_n_in_a_young_stream_are_no_gap() -> None:
    bench = Bench("messages")
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=50))
    page = Page(
        Extent(999, 999, HEAD), (Gap(None, 998, GapReason.RESET), *events("messages", 999, HEAD)), HEAD
    )
    bench.tell(PageRead(bench.reads[0].ticket, page))
    assert told(bench) == ["messages:999", "messages:1000", "messages live at 1000 after 2"]


def test_what_expires_while_the_last_n_are_sent_is_a_gap() -> None:
    bench = Bench("messages", limits=SMALL)
    bench.arrive("messages", *events("messages", 1_001, 1_008))
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=8))
    assert bench.heard() == [f"messages:{sequence}" for sequence in range(1_001, 1_005)]
    bench.arrive("messages", *events("messages", 1_009, 1_030))
    bench.written()
    [read] = bench.reads
    assert read.after == 1_004
    missed = Gap(1_005, 1_026, GapReason.EXPIRED)
    page = history(missed, *events("messages", 1_027, 1_029), first=1_027, last=1_030)
    bench.tell(PageRead(read.ticket, page))
    assert bench.heard()[0] == "messages gap 1005-1026 expired"


def test_what_expires_between_the_question_for_the_last_n_and_its_answer_is_a_gap() -> None:
    """996 to 1,000 were asked for in vain; what came after the question was to come."""
    bench = Bench("messages")
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=5))
    bench.arrive("messages", *events("messages", 1_001, 1_100))
    missed = Gap(996, 1_080, GapReason.EXPIRED)
    page = history(missed, *events("messages", 1_081, 1_100), first=1_081, last=1_100)
    bench.tell(PageRead(bench.reads[0].ticket, page))
    assert told(bench)[:2] == ["messages gap 1001-1080 expired", "messages:1081"]


def test_an_unreadable_event_among_the_last_n_is_told() -> None:
    bench = Bench("messages")
    bench.connect("knowledge")
    bench.frames()
    bench.say(Subscribe(Feed("messages"), last=2))
    bad = Gap(999, 999, GapReason.UNREADABLE)
    bench.tell(PageRead(bench.reads[0].ticket, history(bad, event("messages", HEAD), first=1, last=HEAD)))
    assert told(bench)[0] == "messages gap 999-999 unreadable"


# On the connection that is open.


def test_a_feed_is_resumed_on_the_same_connection() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.arrive("messages", *events("messages", 1_001, 1_002))
    bench.frames()
    bench.say(Subscribe(Feed("messages"), 1_001))
    assert told(bench) == ["messages:1002", "messages live at 1002 after 1"]
    bench.arrive("messages", event("messages", 1_003))
    assert bench.heard() == ["messages:1003"]


def test_a_page_for_a_feed_that_began_anew_is_not_mixed_up_with_it() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:900")
    bench.say(Subscribe(Feed("messages"), 998))
    bench.frames()
    page = Page(Extent(1, 901, HEAD), (event("messages", 901),), 901)
    bench.tell(PageRead(bench.reads[0].ticket, page))
    assert bench.heard() == []
    second = bench.reads[-1]
    assert second.after == 998
    page = history(*events("messages", 999, 1_000), first=901, last=HEAD)
    bench.tell(PageRead(second.ticket, page))
    assert told(bench) == ["messages:999", "messages:1000", "messages live at 1000 after 2"]


def test_a_client_that_is_replayed_to_may_still_talk() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:900")
    bench.frames()
    bench.say(Pong())
    bench.say(Unsubscribe(Feed("messages")))
    assert bench.heard() == ["messages left"]
    assert isinstance(bench.reads[0], Read)


def test_newcomers_are_greeted_although_the_numbers_went_back_behind_where_we_began() -> None:
    bench = Bench("messages")
    bench.arrive("messages", Gap(None, 900, GapReason.RESET), *events("messages", 901, 950))
    bench.connect("messages")
    bench.tick(now=16)
    assert bench.heard() == ["connected messages:950", "messages live at 950 after 0"]


def test_a_reset_in_mid_read_lets_the_other_feeds_of_the_connection_go_on() -> None:
    bench = Bench("messages", "tasks")
    bench.connect("messages,tasks", "messages:990,tasks:990")
    [old] = bench.reads
    bench.arrive("messages", Gap(None, 980, GapReason.RESET), *events("messages", 981, 982))
    bench.tell(PageRead(old.ticket, history(*events("messages", 991, 1_000), first=1, last=HEAD)))
    bench.written()
    assert str(bench.reads[-1].feed) == "tasks"
