"""A client is greeted when its topics are current, and sent elsewhere when that takes too long."""

from itertools import pairwise

import pytest

from pulse_radar.hub.inputs import BrokerBack, BrokerLost, Closed, LogOpened, Measured, Refused, StateOpened
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.close_codes import CloseCode, parse_retry
from pulse_radar.protocol.frames import Connected, ErrorFrame, Ping, Pong, Subscribe, Unsubscribe
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Extent
from tests.hub.bench import HEAD, Bench, event, events
from tests.stream.entries import reset


def test_the_greeting_comes_first_and_says_all_that_a_client_needs() -> None:
    bench = Bench("messages", "monitoring", limits=Limits(ping_interval_seconds=2, pong_timeout_seconds=3))
    bench.connect("monitoring/3f9c,messages", "messages:900")
    assert bench.frames()[0] == Connected(
        connection_id="c",
        topics=(Feed("monitoring", "3f9c"), Feed("messages")),
        last_seq={Feed("monitoring", "3f9c"): HEAD, Feed("messages"): 900},
        ping_interval=2,
        pong_timeout=3,
        protocol=1,
    )


def test_refusals_follow_the_greeting_and_come_before_any_replay() -> None:
    bench = Bench("messages")
    bench.arrive("messages", *events("messages", 1_001, 1_001))
    bench.connect("messages,Bad,metrcs", "messages:1000,worse")
    assert bench.heard() == [
        "connected messages:1000",
        "invalid_topic Bad",
        "invalid_cursor worse",
        "unknown_topic metrcs",
        "messages:1001",
        "messages live at 1001 after 1",
    ]


def test_a_malformed_cursor_starts_its_topic_live() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:many")
    assert bench.heard() == [
        "connected messages:1000",
        "invalid_cursor messages:many",
        "messages live at 1000 after 0",
    ]


def test_a_client_of_nothing_is_greeted_all_the_same() -> None:
    bench = Bench("messages")
    bench.connect("metrcs")
    assert bench.heard() == ["connected ", "unknown_topic metrcs"]


def test_a_client_waits_until_every_topic_has_begun() -> None:
    bench = Bench("messages", "knowledge", is_begun=False)
    bench.connect("messages")
    bench.tell(LogOpened("messages", HEAD, HEAD))
    assert bench.heard() == []
    bench.tell(LogOpened("knowledge", HEAD, HEAD))
    assert bench.heard() == ["connected messages:1000", "messages live at 1000 after 0"]


def test_a_client_waits_until_the_tails_have_caught_up() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages", "messages:995")
    assert not bench.hub.is_current
    bench.arrive("messages", *events("messages", 991, 999))
    assert bench.heard() == []
    bench.arrive("messages", *events("messages", 1_000, 1_000))
    assert bench.heard()[0] == "connected messages:995"


def bench_with_a_state_that_began_anew() -> Bench:
    """Whose stream has no leader: nobody says how far it reaches."""
    bench = Bench("orders", "prices", is_begun=False)
    bench.tell(LogOpened("orders", HEAD, HEAD))
    bench.tell(StateOpened("prices", HEAD, Extent(HEAD + 1, HEAD + 1, HEAD)))
    bench.arrive("prices", reset(2 * HEAD))
    bench.tell(Measured("prices", None))
    return bench


def test_a_client_waits_for_no_other_topic_than_its_own() -> None:
    bench = bench_with_a_state_that_began_anew()
    bench.connect("orders,metrcs")
    bench.connect("orders,prices", connection_id="waits")
    assert bench.heard() == ["connected orders:1000", "unknown_topic metrcs", "orders live at 1000 after 0"]
    assert bench.heard("waits") == []
    assert bench.hub.behind == ("prices",)
    bench.tick(now=15.0)
    assert set(bench.closed) == {"waits"}


def test_a_client_whose_topic_is_whole_again_is_greeted() -> None:
    bench = bench_with_a_state_that_began_anew()
    bench.connect("prices")
    bench.tick(now=0.6)
    bench.tell(Measured("prices", Extent(2 * HEAD + 1, 2 * HEAD + 1, 2 * HEAD)))
    assert bench.heard() == ["connected prices:none", "prices snapshot", "prices live at 2000 after 0"]


def test_a_client_that_is_here_and_asks_for_a_topic_that_is_not_current_waits_for_that_alone() -> None:
    bench = bench_with_a_state_that_began_anew()
    bench.connect("orders")
    bench.say(Subscribe(Feed("prices")))
    bench.arrive("orders", event("orders", HEAD + 1))
    assert bench.heard()[1:] == ["orders live at 1000 after 0", "orders:1001"]
    bench.tick(now=0.6)
    bench.tell(Measured("prices", Extent(2 * HEAD + 1, 2 * HEAD + 1, 2 * HEAD)))
    assert bench.heard() == ["prices snapshot", "prices live at 2000 after 0"]


def test_a_client_that_waited_15_seconds_is_sent_elsewhere() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    bench.tick(now=14.9)
    assert bench.closed == {}
    bench.tick(now=15.0)
    code, reason = bench.closed["c"]
    assert code == CloseCode.TRY_AGAIN_LATER
    assert 1_000 <= (parse_retry(reason) or 0) < 5_000
    assert bench.heard() == []


def test_clients_sent_elsewhere_together_do_not_come_back_together() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    for number in range(100):
        bench.connect("messages", connection_id=f"c{number}")
    bench.tick(now=15.0)
    waits = sorted(parse_retry(reason) or 0 for _, reason in bench.closed.values())
    assert len(waits) == 100
    assert max(later - earlier for earlier, later in pairwise(waits)) < 200


def test_a_client_that_was_greeted_is_not_sent_elsewhere() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    bench.arrive("messages", *events("messages", 991, HEAD))
    bench.tick(now=16.0)
    assert bench.closed == {}


# What comes before the greeting.


def test_frames_before_the_greeting_are_heeded_after_it() -> None:
    bench = Bench("messages", "knowledge", start=990, head=HEAD)
    bench.connect("messages")
    bench.say(Ping(7))
    bench.say(Subscribe(Feed("knowledge")))
    bench.say(Unsubscribe(Feed("messages")))
    for topic in ("messages", "knowledge"):
        bench.arrive(topic, *events(topic, 991, HEAD))
    assert bench.heard() == [
        "connected messages:1000",
        "messages live at 1000 after 0",
        "pong 7",
        "knowledge live at 1000 after 0",
        "messages left",
    ]


def test_a_refused_frame_before_the_greeting_is_answered_after_it() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    bench.tell(Refused("c", ErrorFrame("invalid_topic", "no", "Bad")))
    bench.arrive("messages", *events("messages", 991, HEAD))
    assert bench.heard() == [
        "connected messages:1000",
        "invalid_topic Bad",
        "messages live at 1000 after 0",
    ]


def test_too_many_frames_before_the_greeting_are_not_heard_out() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    for _ in range(256):
        bench.say(Pong())
    assert bench.closed == {}
    bench.say(Pong())
    assert bench.closed == {"c": (CloseCode.TOO_MANY_FRAMES, "")}


def test_too_many_refusals_before_the_greeting_are_not_heard_out() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    refused = Refused("c", ErrorFrame("invalid_topic", "no", "Bad"))
    for _ in range(256):
        bench.tell(refused)
    assert bench.closed == {}
    bench.tell(refused)
    assert bench.closed == {"c": (CloseCode.TOO_MANY_FRAMES, "")}


def test_a_client_that_left_before_the_greeting_is_not_greeted() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    bench.tell(Closed("c"))
    bench.arrive("messages", *events("messages", 991, HEAD))
    assert bench.heard() == []


# The broker goes away.


def test_while_the_broker_is_away_nothing_changes_for_30_seconds() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(BrokerLost())
    bench.tick(now=20.0)
    bench.say(Pong())
    bench.tick(now=29.9)
    assert bench.closed == {}
    bench.tick(now=30.0)
    assert bench.closed["c"][0] == CloseCode.TRY_AGAIN_LATER


def test_a_broker_that_is_back_in_time_sends_nobody_away() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(BrokerLost())
    bench.tick(now=29.0)
    bench.say(Pong())
    bench.tell(BrokerBack())
    bench.tick(now=50.0)
    assert bench.closed == {}


def test_the_grace_counts_from_when_the_broker_was_first_missed() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(BrokerLost())
    bench.tick(now=25.0)
    bench.say(Pong())
    bench.tell(BrokerLost())
    bench.tick(now=30.0)
    assert bench.closed["c"][0] == CloseCode.TRY_AGAIN_LATER


def test_a_second_absence_has_a_grace_of_its_own() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(BrokerLost())
    bench.tick(now=20.0)
    bench.tell(BrokerBack())
    bench.tell(BrokerLost())
    bench.say(Pong())
    bench.tick(now=49.9)
    bench.say(Pong())
    assert bench.closed == {}
    bench.tick(now=50.0)
    assert bench.closed["c"][0] == CloseCode.TRY_AGAIN_LATER


@pytest.mark.parametrize("missing_for", [1.0, 29.0])
def test_who_comes_while_the_broker_is_away_has_what_is_left_of_the_grace(missing_for: float) -> None:
    bench = Bench("messages")
    bench.tell(BrokerLost())
    bench.tick(now=missing_for)
    bench.connect("messages")
    assert bench.heard()[0] == "connected messages:1000"
    bench.tick(now=29.9)
    assert bench.closed == {}
    bench.tick(now=30.0)
    assert bench.closed["c"][0] == CloseCode.TRY_AGAIN_LATER


def test_who_comes_after_the_grace_is_not_greeted_but_sent_elsewhere() -> None:
    bench = Bench("messages")
    bench.tell(BrokerLost())
    bench.tick(now=40.0)
    bench.connect("messages")
    assert bench.heard() == []
    bench.tick(now=40.1)
    assert bench.closed["c"][0] == CloseCode.TRY_AGAIN_LATER


def test_who_came_just_before_the_broker_was_back_is_greeted() -> None:
    bench = Bench("messages")
    bench.tell(BrokerLost())
    bench.now = 40.0
    bench.connect("messages")
    bench.tell(BrokerBack())
    assert bench.heard() == ["connected messages:1000", "messages live at 1000 after 0"]
    bench.tick(now=60.0)
    assert bench.closed == {}


def test_topics_that_become_current_after_the_grace_greet_nobody_until_the_broker_is_back() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.tell(BrokerLost())
    bench.now = 40.0
    bench.connect("messages")
    bench.arrive("messages", *events("messages", 991, HEAD))
    assert bench.heard() == []
    bench.tell(BrokerBack())
    assert bench.heard()[0] == "connected messages:1000"


def test_a_broker_that_is_back_before_the_topics_are_current_greets_nobody_yet() -> None:
    bench = Bench("messages", start=990, head=HEAD)
    bench.connect("messages")
    bench.tell(BrokerLost())
    bench.tell(BrokerBack())
    assert bench.heard() == []
