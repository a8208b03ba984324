"""What may be followed on one connection, how it is asked for, and who gets which event."""

from pulse_radar.hub.inputs import Closed
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.frames import Authenticate, Ping, Pong, Subscribe, UnknownFrame, Unsubscribe
from pulse_radar.protocol.grammar import Feed
from tests.hub.bench import Bench, event, events


def connected(*topics: str, asked: str, limits: Limits = Limits()) -> Bench:  # noqa: B008 (frozen)
    """A bench with one client that has been greeted."""
    bench = Bench(*topics, limits=limits)
    bench.connect(asked)
    bench.frames()
    return bench


def test_a_topic_is_followed_by_a_frame() -> None:
    bench = connected("messages", "knowledge", asked="messages")
    bench.say(Subscribe(Feed("knowledge")))
    assert bench.heard() == ["knowledge live at 1000 after 0"]
    bench.arrive("knowledge", event("knowledge", 1_001))
    assert bench.heard() == ["knowledge:1001"]


def test_a_topic_is_followed_after_a_cursor_by_a_frame() -> None:
    bench = connected("messages", "knowledge", asked="messages")
    bench.arrive("knowledge", *events("knowledge", 1_001, 1_002))
    bench.say(Subscribe(Feed("knowledge"), 1_001))
    assert bench.heard() == ["knowledge:1002", "knowledge live at 1002 after 1"]


def test_asking_again_is_confirmed_with_the_position() -> None:
    bench = connected("messages", asked="messages")
    bench.arrive("messages", *events("messages", 1_001, 1_002))
    bench.frames()
    bench.say(Subscribe(Feed("messages")))
    assert bench.heard() == ["messages live at 1002 after 0"]


def test_asking_again_while_catching_up_is_confirmed_once_it_is_live() -> None:
    bench = connected("messages", asked="knowledge")
    bench.say(Subscribe(Feed("messages"), 900))
    bench.say(Subscribe(Feed("messages")))
    assert bench.heard() == []
    assert len(bench.reads) == 1


def test_an_unknown_topic_is_refused_with_the_known_ones() -> None:
    bench = connected("messages", "knowledge", asked="messages")
    bench.say(Subscribe(Feed("metrcs", "api")))
    [error] = bench.frames()
    assert "unknown topic 'metrcs': the topics here are knowledge, messages" in repr(error)
    assert "metrcs/api" in repr(error)


def test_a_hub_without_topics_says_so() -> None:
    bench = Bench()
    bench.connect("messages")
    assert "the topics here are none" in repr(bench.frames()[1])


def test_a_key_of_a_topic_that_is_followed_is_refused() -> None:
    bench = connected("messages", asked="messages")
    bench.say(Subscribe(Feed("messages", "a")))
    assert bench.heard() == ["already_covered messages/a"]


def test_a_topic_of_which_a_key_is_followed_is_refused() -> None:
    bench = connected("messages", "knowledge", asked="knowledge/a,messages/a")
    bench.say(Subscribe(Feed("messages")))
    assert bench.heard() == ["already_covered messages"]
    bench.say(Unsubscribe(Feed("messages", "a")))
    bench.say(Subscribe(Feed("messages")))
    assert bench.heard() == ["messages/a left", "messages live at 1000 after 0"]


def test_a_query_for_a_topic_and_its_key_gets_the_first_of_them() -> None:
    bench = Bench("messages")
    bench.connect("messages/a,messages,messages/b")
    assert bench.heard() == [
        "connected messages/a:1000,messages/b:1000",
        "already_covered messages",
        "messages/a live at 1000 after 0",
        "messages/b live at 1000 after 0",
    ]


def test_one_subscription_too_many_is_refused() -> None:
    bench = connected("messages", asked="messages/a,messages/b", limits=Limits(subscriptions=2))
    bench.say(Subscribe(Feed("messages", "c")))
    assert bench.heard() == ["too_many_subscriptions messages/c"]
    bench.say(Subscribe(Feed("messages", "b")))
    assert bench.heard() == ["messages/b live at 1000 after 0"]
    bench.say(Unsubscribe(Feed("messages", "a")))
    bench.say(Subscribe(Feed("messages", "c")))
    assert bench.heard() == ["messages/a left", "messages/c live at 1000 after 0"]


def test_what_was_left_is_silent() -> None:
    bench = connected("messages", asked="messages")
    bench.say(Unsubscribe(Feed("messages")))
    bench.arrive("messages", event("messages", 1_001))
    assert bench.heard() == ["messages left"]


def test_leaving_what_was_not_followed_is_confirmed_too() -> None:
    bench = connected("messages", asked="messages")
    bench.say(Unsubscribe(Feed("metrcs")))
    assert bench.heard() == ["metrcs left"]


def test_a_topic_s_cursor_serves_its_keys() -> None:
    bench = Bench("messages")
    bench.arrive("messages", event("messages", 1_001, "a"), event("messages", 1_002, "b"))
    bench.connect("messages/a,messages/b", "messages:1000,messages/b:1002")
    assert bench.heard() == [
        "connected messages/a:1000,messages/b:1002",
        "messages/a:1001",
        "messages/a live at 1002 after 1",
        "messages/b live at 1002 after 0",
    ]


# Who gets what.


def test_an_event_goes_to_everyone_on_its_topic_and_to_nobody_else() -> None:
    bench = Bench("messages", "knowledge")
    for connection_id, asked in (("all", "messages,knowledge"), ("one", "messages"), ("other", "knowledge")):
        bench.connect(asked, connection_id=connection_id)
        bench.frames(connection_id)
    bench.arrive("messages", event("messages", 1_001))
    assert bench.heard("all") == ["messages:1001"]
    assert bench.heard("one") == ["messages:1001"]
    assert bench.heard("other") == []


def test_whoever_follows_a_key_gets_its_events_alone() -> None:
    bench = Bench("messages")
    bench.connect("messages/a,messages/c", connection_id="keys")
    bench.connect("messages", connection_id="all")
    bench.frames("keys"), bench.frames("all")
    bench.arrive(
        "messages", *(event("messages", 1_001 + n, key) for n, key in enumerate(["a", "b", None, "c", "a"]))
    )
    assert bench.heard("keys") == ["messages/a:1001", "messages/a:1005", "messages/c:1004"]
    assert len(bench.heard("all")) == 5


def test_a_ping_tells_the_cursors_of_quiet_keys() -> None:
    bench = connected("messages", "knowledge", asked="messages/a,knowledge")
    bench.arrive("messages", event("messages", 1_001, "b"))
    bench.tick(now=20.0)
    assert bench.heard() == ["ping messages/a:1001"]


def test_a_ping_does_not_tell_the_cursor_of_a_key_that_catches_up() -> None:
    bench = connected("messages", asked="messages/a")
    bench.say(Subscribe(Feed("messages", "b"), 900))
    bench.tick(now=20.0)
    assert bench.heard() == ["ping messages/a:1000"]


def test_a_client_s_ping_is_answered_with_its_time() -> None:
    bench = connected("messages", asked="messages")
    bench.say(Ping(1_703_750_400_000))
    bench.say(Ping())
    assert bench.heard() == ["pong 1703750400000", "pong None"]


def test_what_nobody_knows_is_ignored() -> None:
    bench = connected("messages", asked="messages")
    for frame in (UnknownFrame("dance"), Pong(), Authenticate("t")):
        bench.say(frame)
    assert bench.frames() == []
    assert bench.closed == {}


def test_frames_to_one_connection_in_a_row_are_one_write() -> None:
    bench = Bench("messages")
    bench.arrive("messages", *events("messages", 1_001, 1_005))
    before = bench.writes
    bench.connect("messages", "messages:1000")
    assert len(bench.frames()) == 7
    assert bench.writes - before == 1


def test_an_event_is_one_write_for_all_who_follow_the_same() -> None:
    bench = Bench("messages")
    for number in range(100):
        bench.connect("messages", connection_id=f"c{number}")
    before = bench.writes
    bench.arrive("messages", *events("messages", 1_001, 1_005))
    assert bench.writes - before == 1


# The hub in numbers.


def test_the_hub_knows_how_far_it_has_served_and_whom() -> None:
    bench = Bench("messages", "knowledge")
    bench.connect("messages", "messages:900")
    bench.connect("knowledge", connection_id="live")
    bench.arrive("knowledge", *events("knowledge", 1_001, 1_003))
    stats = bench.hub.stats()
    assert (stats.connections, stats.subscriptions_live, stats.subscriptions_catching_up) == (2, 1, 1)
    assert {topic: each.last for topic, each in stats.topics.items()} == {
        "messages": 1_000,
        "knowledge": 1_003,
    }
    assert (stats.delivered, stats.replayed, stats.gaps) == (3, 0, {})
    assert bench.hub.topics == ("messages", "knowledge")
    assert (bench.hub.position("knowledge"), bench.hub.position("metrcs")) == (1_003, None)
    assert repr(bench.hub) == "<Hub 2 connections, 2 topics, 0 slow>"
    bench.tell(Closed("live"))
    assert bench.hub.stats().connections == 1


def test_a_gap_is_no_delivered_event() -> None:
    bench = connected("messages", asked="messages")
    bench.arrive("messages", event("messages", 1_005))
    stats = bench.hub.stats()
    assert (stats.delivered, stats.gaps) == (1, {"expired": 1})
