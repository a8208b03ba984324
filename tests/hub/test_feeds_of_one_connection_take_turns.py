"""Who catches up on one topic gets what happens on its others, too: each has a page in turn."""

import pytest

from tests.hub.bench import HEAD, Bench, event, events

# So many events of this size are more than a page.
SIZE, MANY = 10_000, 30


@pytest.mark.parametrize("query", ["firehose,alerts", "alerts,firehose"])
def test_a_topic_that_is_never_caught_up_with_silences_no_other(query: str) -> None:
    bench = Bench("firehose", "alerts")
    last = HEAD + 10 * MANY
    bench.arrive("firehose", *events("firehose", HEAD + 1, last, size=SIZE))
    bench.connect(query, f"firehose:{HEAD},alerts:{HEAD}")
    bench.arrive("alerts", event("alerts", HEAD + 1))
    heard: list[str] = []
    for _ in range(3):
        # As much comes as is read.
        bench.arrive("firehose", *events("firehose", last + 1, last + MANY, size=SIZE))
        last += MANY
        bench.written()
        heard += bench.heard()
    assert f"alerts:{HEAD + 1}" in heard
    assert f"firehose:{last}" not in heard


def test_a_topic_without_a_past_is_live_when_the_first_page_of_another_is_written() -> None:
    bench = Bench("firehose", "alerts")
    bench.arrive("firehose", *events("firehose", HEAD + 1, HEAD + 10 * MANY, size=SIZE))
    bench.connect("firehose,alerts", f"firehose:{HEAD}")
    bench.written()
    bench.frames()
    bench.arrive("alerts", event("alerts", HEAD + 1))
    assert bench.heard() == [f"alerts:{HEAD + 1}"]


def test_a_topic_without_a_past_is_live_while_a_page_of_another_is_read() -> None:
    bench = Bench("firehose", "alerts")
    bench.connect("firehose,alerts", f"firehose:{HEAD - 500}")
    assert len(bench.reads) == 1
    bench.arrive("alerts", event("alerts", HEAD + 1))
    assert bench.heard()[1:] == [f"alerts live at {HEAD} after 0", f"alerts:{HEAD + 1}"]


def test_two_long_replays_advance_side_by_side() -> None:
    bench = Bench("left", "right")
    for topic in ("left", "right"):
        bench.arrive(topic, *events(topic, HEAD + 1, HEAD + 10 * MANY, size=SIZE))
    bench.connect("left,right", f"left:{HEAD},right:{HEAD}")
    had = [page_of(bench)]
    while bench.awaited:
        bench.written()
        had.append(page_of(bench))
    assert had[:6] == ["left", "right", "left", "right", "left", "right"]


def page_of(bench: Bench) -> str:
    """The topic of the last event that was heard."""
    return bench.heard()[-1].split(":")[0]
