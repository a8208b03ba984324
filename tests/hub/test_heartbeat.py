"""A ping every 20 s, and a farewell between 30.0 and 30.5 s after the last sign of life. Source: ADR-007."""

from collections import Counter
from itertools import pairwise

import pytest

from pulse_radar.hub.inputs import Refused
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.frames import ErrorFrame, Ping, Pong, Subscribe, UnknownFrame
from pulse_radar.protocol.grammar import Feed
from tests.hub.bench import WALL_MS, Bench

TICK = 0.1


def silence_after(bench: Bench) -> float:
    """How long after this moment the client is given up, if it says nothing more."""
    heard_at = bench.now
    while "c" not in bench.closed:
        bench.tick(now=bench.now + TICK)
    assert bench.closed["c"] == (CloseCode.HEARTBEAT_TIMEOUT, "")
    return bench.now - heard_at


@pytest.mark.parametrize("last_sign", [0.0, 0.1, 3.3, 9.99, 17.2, 20.0, 33.7, 47.1, 100.1])
def test_a_silent_client_is_closed_30_seconds_after_its_last_sign_of_life(last_sign: float) -> None:
    bench = Bench("messages")
    bench.connect("messages")
    while bench.now < last_sign:
        bench.tick(now=min(bench.now + 7.0, last_sign))
        bench.say(Pong())
    assert 30.0 <= silence_after(bench) <= 30.5


def test_a_silent_client_is_closed_at_its_deadline_whatever_the_clock_shows() -> None:
    # 30 s after 0.1 s is not exactly 30 s for a float: a look at the very deadline must not be in vain.
    for hundredths in range(0, 300, 3):
        bench = Bench("messages")
        bench.now = hundredths / 100
        bench.connect("messages")
        opened_at = bench.now
        while "c" not in bench.closed:
            assert bench.hub.deadline is not None
            bench.tick(now=bench.hub.deadline)
        assert bench.now - opened_at == pytest.approx(30.0)


def test_a_client_that_answers_stays_and_is_pinged_every_20_seconds() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.frames()
    pinged_at = []
    while bench.now < 600:
        bench.tick(now=bench.now + TICK)
        if bench.frames() == [Ping(WALL_MS)]:
            pinged_at.append(bench.now)
            bench.say(Pong())
    assert bench.closed == {}
    assert pinged_at[0] <= 20.0 + TICK
    steps = [later - earlier for earlier, later in pairwise(pinged_at)]
    assert steps == pytest.approx([20.0] * len(steps), abs=TICK + 0.01)


def test_clients_that_came_together_are_not_pinged_together() -> None:
    bench = Bench("messages")
    for number in range(300):
        bench.connect("messages", connection_id=f"c{number}")
        bench.frames(f"c{number}")
    pings_by_second: Counter[int] = Counter()
    while bench.now < 20.0:
        bench.tick(now=bench.now + 0.5)
        pings_by_second[int(bench.now)] += sum(len(bench.frames(f"c{number}")) for number in range(300))
    assert sum(pings_by_second.values()) == 300
    assert max(pings_by_second.values()) <= 45


@pytest.mark.parametrize("frame", [Pong(), Ping(5), UnknownFrame("dance"), Subscribe(Feed("messages"))])
def test_any_frame_is_a_sign_of_life(frame: Pong | Ping | UnknownFrame | Subscribe) -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tick(now=29.0)
    bench.say(frame)
    assert silence_after(bench) >= 30.0


def test_a_refused_frame_is_a_sign_of_life_too() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tick(now=29.0)
    bench.tell(Refused("c", ErrorFrame("invalid_topic", "no")))
    assert silence_after(bench) >= 30.0


def test_a_stale_client_is_counted() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tick(now=31.0)
    assert bench.hub.stats().evicted_stale == 1


def test_a_closed_client_is_not_watched_any_more() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tick(now=500.0)
    assert bench.closed == {"c": (CloseCode.HEARTBEAT_TIMEOUT, "")}
    assert bench.hub.deadline is None


def test_the_round_trip_of_a_heartbeat_is_measured_from_the_ping_to_its_answer() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    # A pong that nobody asked for measures nothing.
    bench.say(Pong())
    pinged_at = 0.0
    while not pinged_at:
        bench.tick(now=bench.now + TICK)
        pinged_at = bench.now if Ping(WALL_MS) in bench.frames() else 0.0
    bench.tick(now=pinged_at + 0.3)
    bench.say(Pong())
    bench.say(Pong())
    heartbeats = bench.hub.stats().heartbeats
    assert sum(heartbeats.counts) == 1
    assert heartbeats.total == pytest.approx(0.3, abs=TICK + 0.01)


def test_what_was_heard_before_the_answer_makes_it_no_measure() -> None:
    bench = Bench("messages")
    bench.connect("messages")
    bench.tick(now=20.5)
    bench.say(Ping(5))
    bench.say(Pong())
    assert sum(bench.hub.stats().heartbeats.counts) == 0
