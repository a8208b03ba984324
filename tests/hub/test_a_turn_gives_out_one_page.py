"""When many have to catch up at the same moment, a turn of the hub gives out a page or two, and not one to each."""

from pulse_radar.hub.inputs import Measured, StateOpened
from pulse_radar.hub.limits import Limits
from pulse_radar.stream.entry import Entry, Extent
from tests.hub.bench import HEAD, Bench, event, events
from tests.stream.entries import reset

STATE, LOG = "metrics", "messages"
NAMES = [f"c{number}" for number in range(30)]

# So many events are a page at most, and more than half of one at least.
PAGE = 20
LIMITS = Limits(page_bytes=PAGE * len(event(STATE, 10_000, "k10", size=100).text))


def state(first: int) -> tuple[Entry, ...]:
    return tuple(event(STATE, first + number, f"k{10 + number}", size=100) for number in range(PAGE))


def bench_of_a_state(*, head: int) -> Bench:
    """A state topic without events so far, that reaches to `head`, and everybody following it."""
    bench = Bench(STATE, limits=LIMITS, is_begun=False)
    bench.tell(StateOpened(STATE, 999, Extent(1_000, 1_000, head)))
    for name in NAMES:
        bench.connect(STATE, connection_id=name)
    return bench


def settle(bench: Bench) -> None:
    while bench.awaited:
        bench.written()


def snapshot(first: int) -> list[str]:
    events = [f"{STATE}/k{10 + number}:{first + number}" for number in range(PAGE)]
    return [f"{STATE} snapshot", *events, f"{STATE} live at {first + PAGE - 1} after {PAGE}"]


def test_a_state_that_began_anew_is_given_to_one_after_the_other() -> None:
    bench = bench_of_a_state(head=999)
    for name in NAMES:
        bench.heard(name)
    bench.arrive(STATE, reset(9_999), *state(10_000))
    bench.tell(Measured(STATE, Extent(10_000, 10_000, 10_019)))
    settle(bench)
    assert [bench.heard(name) for name in NAMES] == [snapshot(10_000)] * len(NAMES)
    assert bench.most_events <= 2 * PAGE


def test_a_process_that_becomes_current_greets_all_and_serves_one_after_the_other() -> None:
    bench = bench_of_a_state(head=1_019)
    bench.arrive(STATE, *state(1_000))
    heard = {name: bench.heard(name) for name in NAMES}
    assert [words[0] for words in heard.values()] == [f"connected {STATE}:none"] * len(NAMES)
    settle(bench)
    served = [heard[name][1:] + bench.heard(name) for name in NAMES]
    assert served == [snapshot(1_000)] * len(NAMES)
    assert bench.most_events <= 2 * PAGE


def test_cursors_that_one_answer_disproves_begin_anew_one_after_the_other() -> None:
    bench = Bench(LOG, limits=LIMITS)
    bench.arrive(LOG, *events(LOG, HEAD + 1, HEAD + PAGE, size=100))
    for name in NAMES:
        bench.connect(LOG, f"{LOG}:5000", connection_id=name)
    # The first of them is asked about alone, and three answers must agree.
    for turn in range(4):
        bench.tell(Measured(LOG, Extent(HEAD + 1, HEAD + 1, HEAD + PAGE)))
        bench.tick(now=0.6 * (turn + 1))
    settle(bench)
    replay = [f"{LOG}:{sequence}" for sequence in range(HEAD + 1, HEAD + PAGE + 1)]
    told = [f"{LOG} gap None-{HEAD} reset", *replay, f"{LOG} live at {HEAD + PAGE} after {PAGE}"]
    assert [bench.heard(name)[1:] for name in NAMES] == [told] * len(NAMES)
    assert bench.most_events <= 2 * PAGE


def test_what_happens_while_somebody_waits_for_its_turn_comes_in_order_and_once() -> None:
    bench = Bench(LOG, limits=LIMITS, start=HEAD, head=HEAD + PAGE)
    for name in NAMES:
        bench.connect(LOG, f"{LOG}:{HEAD}", connection_id=name)
    bench.arrive(LOG, *events(LOG, HEAD + 1, HEAD + PAGE, size=100))
    end = HEAD + PAGE
    while bench.awaited:
        bench.written(bench.awaited[0])
        end += 1
        bench.arrive(LOG, *events(LOG, end, end))
    replay = [f"{LOG}:{sequence}" for sequence in range(HEAD + 1, end + 1)]
    for name in NAMES:
        assert [word for word in bench.heard(name) if word.startswith(f"{LOG}:")] == replay
