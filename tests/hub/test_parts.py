"""The small parts of the hub, each by itself."""

import pytest

from pulse_radar.errors import InvalidSetting
from pulse_radar.hub.actions import Agenda, AwaitWritable, Send
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.deadlines import Deadlines
from pulse_radar.hub.inputs import Opened
from pulse_radar.hub.limits import Limits
from pulse_radar.hub.log_channel import LogChannel
from pulse_radar.hub.registry import Registry
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.grammar import Feed


def test_an_agenda_joins_what_goes_to_one_connection_in_a_row() -> None:
    agenda = Agenda()
    for connection_id, text in (("a", b"1"), ("a", b"2"), ("b", b"3"), ("a", b"4")):
        agenda.say(connection_id, text)
    agenda.put(AwaitWritable("a"))
    agenda.say("a", b"5")
    assert agenda.take() == [
        Send(("a",), (b"1", b"2")),
        Send(("b",), (b"3",)),
        Send(("a",), (b"4",)),
        AwaitWritable("a"),
        Send(("a",), (b"5",)),
    ]
    assert agenda.take() == []


def test_deadlines_come_by_time_and_equal_ones_in_order() -> None:
    deadlines: Deadlines[str] = Deadlines()
    for due, item in ((3.0, "c"), (1.0, "a"), (1.0, "b"), (9.0, "d")):
        deadlines.set(due, item)
    assert (deadlines.earliest, len(deadlines)) == (1.0, 4)
    assert list(deadlines.pop_due(3.0)) == ["a", "b", "c"]
    assert (deadlines.earliest, len(deadlines)) == (9.0, 1)


def test_a_deadline_set_while_others_are_served_is_served_too_if_it_is_due() -> None:
    deadlines: Deadlines[str] = Deadlines()
    deadlines.set(1.0, "first")
    served = []
    for item in deadlines.pop_due(2.0):
        served.append(item)
        if item == "first":
            deadlines.set(2.0, "second")
    assert served == ["first", "second"]
    assert deadlines.earliest is None


def test_a_registry_knows_who_follows_all_and_who_one_key() -> None:
    registry = Registry()
    registry.add("a", None)
    registry.add("b", None)
    registry.add("a", "k")
    registry.add("c", "k")
    assert (registry.whole, registry.keys, registry.of_key("k"), len(registry)) == (
        ("a", "b"),
        ("k",),
        ("a", "c"),
        4,
    )
    assert registry.whole is registry.whole
    registry.discard("a", None)
    registry.discard("a", "k")
    registry.discard("c", "k")
    registry.discard("c", "k")
    registry.discard("z", None)
    assert (registry.whole, registry.keys, registry.of_key("k"), len(registry)) == (("b",), (), (), 1)


@pytest.mark.parametrize(
    ("ping", "pong"),
    [(20.0, 20.0), (30.0, 20.0), (0.0, 30.0), (-1.0, 30.0), (20.0, float("inf")), (float("nan"), 30.0)],
)
def test_heartbeats_that_cannot_work_are_refused(ping: float, pong: float) -> None:
    with pytest.raises(InvalidSetting, match="ping_interval is .* s and pong_timeout is"):
        Limits(ping_interval_seconds=ping, pong_timeout_seconds=pong)


@pytest.mark.parametrize(
    "name", ["subscriptions", "window_events", "window_bytes", "page_events", "page_bytes"]
)
def test_a_bound_below_1_is_refused(name: str) -> None:
    with pytest.raises(InvalidSetting, match=f"{name} is 0: it must be at least 1"):
        Limits(**{name: 0})


def test_every_part_tells_its_story() -> None:
    context = Context(Limits())
    connection = Connection(Opened("c1", ()), 0.0)
    assert repr(connection) == "<Connection c1 connecting, 0 subscriptions>"
    assert (
        repr(Subscription("c1", Feed("messages", "a"), 5)) == "<Subscription c1 to messages/a, catching up>"
    )
    channel = LogChannel("messages", context, start=5, head=5)
    assert repr(channel) == "<LogChannel messages, 0 live, 0 ahead, <LogWindow 6..5, 0 bytes>>"


@pytest.mark.parametrize("key", [None, "k"])
def test_a_group_is_the_same_one_until_its_members_change(key: str | None) -> None:
    registry = Registry()

    def group() -> tuple[str, ...]:
        return registry.whole if key is None else registry.of_key(key)

    registry.add("a", key)
    registry.add("b", key)
    assert group() == ("a", "b")
    assert group() is group()
    registry.discard("a", key)
    assert group() == ("b",)
    registry.discard("b", key)
    assert (group(), registry.keys, len(registry)) == ((), (), 0)
