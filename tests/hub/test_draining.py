"""A process that is about to end sends its clients to others: in slices, each served until it goes."""

from collections import Counter

from pulse_radar.hub.inputs import Closed, Draining, Overflowed
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.close_codes import CloseCode, parse_retry
from tests.hub.bench import Bench, event, events


def crowd(count: int, *, seconds: float = 5.0) -> Bench:
    bench = Bench("messages", limits=Limits(drain_seconds=seconds))
    for number in range(count):
        bench.connect("messages", connection_id=f"c{number}")
    return bench


def test_a_crowd_leaves_evenly_over_three_quarters_of_the_time() -> None:
    bench = crowd(1_000, seconds=8.0)
    bench.tell(Draining())
    left = []
    for tenths in range(1, 81):
        before = len(bench.closed)
        bench.tick(now=tenths / 10)
        left.append(len(bench.closed) - before)
    assert max(left) <= 18
    assert sum(left[:60]) == 1_000
    assert {code for code, _ in bench.closed.values()} == {CloseCode.DRAINING}


def test_a_few_leave_in_no_time() -> None:
    bench = crowd(20, seconds=60.0)
    bench.tell(Draining())
    bench.tick(now=0.2)
    assert len(bench.closed) == 20


def test_a_server_that_gives_less_time_gets_less() -> None:
    bench = crowd(1_000)
    bench.tell(Draining(1.0))
    bench.tick(now=0.75)
    assert len(bench.closed) == 1_000


def test_those_who_leave_together_come_back_spread_over_a_quarter_of_a_second() -> None:
    bench = crowd(100)
    bench.tell(Draining())
    bench.tick(now=5.0)
    waits = [parse_retry(reason) for _, reason in bench.closed.values()]
    slices = Counter(wait // 50 for wait in waits if wait is not None)
    assert sorted(slices) == [0, 1, 2, 3, 4]
    assert max(slices.values()) <= 25


def test_a_client_is_served_until_it_leaves_and_resumes_elsewhere_without_loss() -> None:
    bench, other = crowd(2), Bench("messages")
    bench.frames("c1")
    bench.tell(Draining())
    bench.tick(now=0.005)
    bench.arrive("messages", event("messages", 1_001))
    assert bench.heard("c1") == ["messages:1001"]
    bench.tick(now=0.1)
    assert bench.closed["c1"][0] == CloseCode.DRAINING
    other.arrive("messages", *events("messages", 1_001, 1_002))
    other.connect("messages", "messages:1001", connection_id="c1")
    assert other.heard("c1")[1:] == ["messages:1002", "messages live at 1002 after 1"]


def test_whoever_comes_while_it_drains_is_sent_on_at_once() -> None:
    bench = crowd(1)
    bench.tell(Draining())
    assert bench.hub.is_draining
    bench.connect("messages", connection_id="late")
    assert bench.closed["late"][0] == CloseCode.DRAINING
    assert bench.frames("late") == []


def test_a_process_drains_once() -> None:
    bench = crowd(100)
    bench.tell(Draining())
    bench.tell(Draining(0.0))
    bench.tick(now=0.5)
    assert len(bench.closed) < 100


def test_whoever_left_already_is_not_sent_away() -> None:
    bench = crowd(3)
    bench.tell(Closed("c0"))
    bench.tell(Overflowed("c1"))
    bench.tell(Draining())
    bench.tick(now=5.0)
    assert {name: code for name, (code, _) in bench.closed.items()} == {
        "c1": CloseCode.SLOW_CONSUMER,
        "c2": CloseCode.DRAINING,
    }
