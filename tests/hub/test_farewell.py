"""How a connection ends: with the code that says what to do, and without another word."""

from pulse_radar.hub.actions import Close
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Closed, Evicted, Misbehaved, Overflowed, Refused, Writable
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import ErrorFrame, Ping
from tests.hub.bench import Bench, event, events


def test_a_slow_consumer_is_evicted_and_resumes_without_loss() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.arrive("messages", event("messages", 1_001))
    bench.tell(Overflowed("c"))
    assert bench.closed == {"c": (CloseCode.SLOW_CONSUMER, "")}
    bench.arrive("messages", *events("messages", 1_002, 1_003))
    bench.tell(Closed("c"))
    bench.connect("messages", "messages:1001", connection_id="again")
    assert bench.heard("again")[1:] == ["messages:1002", "messages:1003", "messages live at 1003 after 2"]
    assert bench.hub.stats().evicted_slow == 1


def test_a_malformed_frame_ends_the_connection_with_its_reason() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(Misbehaved("c", CloseCode.MALFORMED, "a binary frame: frames are text"))
    assert bench.closed == {"c": (CloseCode.MALFORMED, "a binary frame: frames are text")}


def test_whoever_is_sent_away_by_hand_is_no_slow_consumer() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(Evicted("c"))
    assert bench.closed == {"c": (CloseCode.EVICTED, "")}
    assert bench.hub.stats().evicted_slow == 0
    assert bench.hub.stats().dismissed == {"evicted": 1}


def test_after_its_farewell_nothing_is_sent_to_or_heard_from_a_client() -> None:
    bench = Bench("messages")
    bench.connect("messages", "messages:900")
    bench.tell(Overflowed("c"))
    bench.frames()
    bench.arrive("messages", event("messages", 1_001))
    bench.say(Ping(1))
    bench.tell(Refused("c", ErrorFrame("invalid_topic", "no")))
    bench.tell(Writable("c"))
    bench.tell(Overflowed("c"))
    bench.tell(Misbehaved("c", CloseCode.MALFORMED, "again"))
    bench.tick(now=100.0)
    assert bench.frames() == []
    assert bench.closed == {"c": (CloseCode.SLOW_CONSUMER, "")}
    assert bench.hub.stats().evicted_slow == 1


def test_whoever_is_gone_is_spoken_of_without_harm() -> None:
    hub = Hub(["messages"])
    for told in (
        Closed("nobody"),
        Overflowed("nobody"),
        Evicted("nobody"),
        Writable("nobody"),
        Misbehaved("nobody", CloseCode.MALFORMED, ""),
        Refused("nobody", ErrorFrame("invalid_topic", "no")),
    ):
        assert hub.handle(told, 0.0) == []


def test_a_connection_that_closes_while_it_is_being_closed_is_gone_once() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tell(Overflowed("c"))
    bench.tell(Closed("c"))
    bench.tell(Closed("c"))
    assert bench.hub.stats().connections == 0


def test_the_close_comes_after_what_was_said_before() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    actions = bench.hub.handle(Misbehaved("c", CloseCode.MALFORMED, ""), bench.now)
    assert actions == [Close("c", CloseCode.MALFORMED, "")]
