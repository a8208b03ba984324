"""What a client asks for, where it stands, and what it hands on: frames in, steps and frames out."""

from collections import defaultdict
from collections.abc import Iterable

import pytest

from pulse_radar.client.beginning import Beginning, parse_beginning, parse_feeds
from pulse_radar.client.following import Following
from pulse_radar.client.steps import Heeded, Received
from pulse_radar.errors import InvalidCursor, InvalidTopic, Refused, UnknownTopic
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.frames import (
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    Pong,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Extent
from pulse_radar.stream.merge import opening
from tests.protocol.vectors import Vector, by_text, load

KNOWLEDGE = Feed("knowledge")
JOB = Feed("monitoring", "3f9c")
METRICS = Feed("metrics")


def connected(**positions: int) -> Connected:
    feeds = {Feed(topic): position for topic, position in positions.items()}
    return Connected("abc", tuple(feeds), feeds, 20, 30)


def event(sequence: int, topic: str = "knowledge", key: str | None = None) -> EventFrame:
    return EventFrame(topic, "happened", {}, sequence, key)


def received(heeded: Heeded) -> list[Received]:
    return [step.received for step in heeded.steps if step.received is not None]


def handed(following: Following, sequences: Iterable[int]) -> list[int]:
    return [n for n in sequences if received(following.heed(event(n)))]


# Where it stands.


def test_it_asks_for_its_topics_and_goes_on_after_what_it_was_sent() -> None:
    following = Following((KNOWLEDGE, JOB))
    assert following.query() == "topics=knowledge,monitoring/3f9c"
    following.heed(Connected("abc", (KNOWLEDGE, JOB), {KNOWLEDGE: 7, JOB: 40}, 20, 30))
    assert received(following.heed(event(8, key="x"))) == [event(8, key="x")]
    assert received(following.heed(event(41, "monitoring", "3f9c")))
    assert following.query() == "topics=knowledge,monitoring/3f9c&lastSeq=knowledge:8,monitoring/3f9c:41"


def test_a_connection_that_breaks_before_the_first_event_is_resumed_all_the_same() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=7))
    assert following.query() == "topics=knowledge&lastSeq=knowledge:7"


def test_all_topics_are_asked_for_by_naming_none() -> None:
    following = Following(())
    assert following.query() == ""
    following.heed(connected(knowledge=7, tasks=3))
    assert following.query() == "lastSeq=knowledge:7,tasks:3"


def test_it_stands_when_each_topic_has_a_place() -> None:
    following = Following((KNOWLEDGE, JOB))
    assert not following.is_standing
    following.heed(Connected("abc", (KNOWLEDGE, JOB), {KNOWLEDGE: 7}, 20, 30))
    assert not following.is_standing
    following.heed(SnapshotFrame(JOB))
    assert following.is_standing


def test_the_end_of_a_gap_is_the_cursor_even_if_that_is_lower() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=700))
    assert received(following.heed(GapFrame(KNOWLEDGE, None, 30, GapReason.RESET)))
    assert following.positions == {KNOWLEDGE: 30}
    assert handed(following, [31, 32]) == [31, 32]


def test_catching_up_and_quiet_keys_move_the_cursor() -> None:
    following = Following((JOB,))
    following.heed(Connected("abc", (JOB,), {JOB: 40}, 20, 30))
    following.heed(Subscribed(JOB, 44, 0))
    assert following.positions == {JOB: 44}
    assert following.heed(Ping(1, {JOB: 90})).replies == (Pong(),)
    assert following.positions == {JOB: 90}


def test_an_event_that_comes_again_is_handed_on_once() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=7))
    assert handed(following, [8, 9, 8, 9, 10]) == [8, 9, 10]
    assert following.stats().repeats == 2


@pytest.mark.parametrize("session", load("sessions")["sessions"], ids=lambda session: str(session["name"]))
def test_every_session_of_the_vectors_ends_where_it_should(session: Vector) -> None:
    frames = [decode_server(step["server"]) for step in session["steps"] if "server" in step]
    followed = {feed for frame in frames if isinstance(frame, Connected) for feed in frame.topics}
    followed |= {frame.feed for frame in frames if isinstance(frame, Subscribed)}
    following = Following(
        followed, None, {Feed.parse(feed): position for feed, position in session["before"].items()}
    )
    events: defaultdict[str, list[int]] = defaultdict(list)
    missed: list[Vector] = []
    for frame in frames:
        for step in following.heed(frame).steps:
            match step.received:
                case EventFrame(sequence=sequence):
                    events[str(step.feed)].append(sequence)
                case GapFrame() as gap:
                    missed.append(
                        {"feed": str(gap.feed), "from": gap.first, "to": gap.last, "reason": gap.reason}
                    )
    assert (events, missed) == (session["events"], session["missed"])
    left = {frame.feed for frame in frames if isinstance(frame, Unsubscribed)}
    assert by_text({f: n for f, n in following.positions.items() if f not in left}) == session["cursor"]


# Where it begins.


def test_the_last_events_are_asked_for_by_entering_each_topic_anew() -> None:
    following = Following((), Beginning(last=5))
    assert following.heed(connected(knowledge=7)).replies == (
        Unsubscribe(KNOWLEDGE),
        Subscribe(KNOWLEDGE, None, 5),
    )
    # Said between the two: the replay brings it in its place.
    assert not received(following.heed(Subscribed(KNOWLEDGE, 7, 0)))
    assert handed(following, [8]) == []
    assert following.query() == ""
    following.heed(Unsubscribed(KNOWLEDGE))
    assert handed(following, range(4, 9)) == [4, 5, 6, 7, 8]


def test_after_a_beginning_elsewhere_it_resumes_from_its_cursor() -> None:
    following = Following((), Beginning(after=0))
    assert following.heed(connected(knowledge=7)).replies == (
        Unsubscribe(KNOWLEDGE),
        Subscribe(KNOWLEDGE, 0, None),
    )
    following.heed(Unsubscribed(KNOWLEDGE))
    following.heed(event(3))
    assert following.query() == "lastSeq=knowledge:3"
    assert following.heed(connected(knowledge=3)).replies == ()


@pytest.mark.parametrize(
    ("beginning", "named"),
    [
        pytest.param(Beginning(after=0), {KNOWLEDGE: 0, JOB: 0, METRICS: 0}, id="all that is kept"),
        pytest.param(Beginning(last=50), {KNOWLEDGE: 0, JOB: 0, METRICS: 0}, id="the newest"),
        pytest.param(Beginning(last=0), {KNOWLEDGE: 0, JOB: 0, METRICS: 0}, id="none of them"),
        pytest.param(Beginning(), {KNOWLEDGE: 200, JOB: 300}, id="live"),
    ],
)
def test_a_cursor_names_a_feed_of_which_nothing_has_come_yet(
    beginning: Beginning, named: dict[Feed, int]
) -> None:
    """The program takes one event of another topic, stores the cursor and dies: the next run skips nothing."""
    following = Following((KNOWLEDGE, JOB, METRICS), beginning)
    feeds = (KNOWLEDGE, JOB, METRICS)
    heeded = following.heed(
        Connected("abc", feeds, {KNOWLEDGE: 200, JOB: 300}, 20, 30, state_topics=("metrics",))
    )
    assert following.beginnings == named
    assert not received(heeded)
    # It itself begins again as it was asked to.
    assert beginning.is_live or not following.positions


def test_a_cursor_names_where_a_feed_began_and_not_what_came_of_it_since() -> None:
    following = Following((KNOWLEDGE, JOB, METRICS), Beginning(last=50))
    following.heed(Connected("abc", (KNOWLEDGE, METRICS), {KNOWLEDGE: 200}, 20, 30))
    # Behind these two, and not in the query, the key was asked for by a frame.
    for feed in (KNOWLEDGE, METRICS):
        following.heed(Unsubscribed(feed))
    assert handed(following, [151, 152]) == [151, 152]
    following.heed(event(250, "monitoring", "3f9c"))
    following.heed(SnapshotFrame(METRICS))
    assert following.beginnings == {KNOWLEDGE: 150, JOB: 249}


def test_a_cursor_of_the_newest_of_a_young_topic_is_known_to_its_stream() -> None:
    """The newest, less fifty, lies before the first of three: a number that was never given out is told as a reset."""
    origin = 1_703_750_400_000_000
    young = Extent(origin, origin, origin + 2)
    following = Following((KNOWLEDGE,), Beginning(last=50))
    following.heed(connected(knowledge=young.last))
    assert opening(following.beginnings[KNOWLEDGE], young) is None
    following.heed(Unsubscribed(KNOWLEDGE))
    following.heed(event(origin))
    assert following.beginnings == {KNOWLEDGE: origin - 1}
    assert opening(origin - 1, young) is None


def test_a_beginning_that_was_cut_off_is_begun_again() -> None:
    following = Following((KNOWLEDGE,), Beginning(last=5))
    following.heed(connected(knowledge=7))
    assert following.query() == "topics=knowledge"
    assert following.heed(connected(knowledge=9)).replies == (
        Unsubscribe(KNOWLEDGE),
        Subscribe(KNOWLEDGE, None, 5),
    )


def test_a_state_topic_whose_snapshot_was_cut_off_begins_anew_as_it_is_now() -> None:
    following = Following((KNOWLEDGE,), Beginning(last=5))
    following.heed(connected(knowledge=7))
    following.heed(Unsubscribed(KNOWLEDGE))
    following.heed(SnapshotFrame(KNOWLEDGE))
    assert following.heed(Connected("abc", (KNOWLEDGE,), {}, 20, 30)).replies == ()


@pytest.mark.parametrize(
    ("topics", "after", "last", "query"),
    [
        ("knowledge", None, None, "topics=knowledge"),
        (["knowledge", "tasks,knowledge"], None, None, "topics=knowledge,tasks"),
        ("knowledge", 142, None, "topics=knowledge&lastSeq=knowledge:142"),
        ("knowledge,tasks", 0, None, "topics=knowledge,tasks&lastSeq=knowledge:0,tasks:0"),
        ("tasks", "knowledge:142,tasks:9", None, "topics=tasks&lastSeq=tasks:9"),
        ("monitoring/a", "monitoring:9", None, "topics=monitoring/a&lastSeq=monitoring/a:9"),
        (None, "knowledge:142, tasks:9", None, "lastSeq=knowledge:142,tasks:9"),
        (None, "", None, ""),
        ("knowledge", None, 5, "topics=knowledge"),
    ],
)
def test_topics_and_beginnings_are_taken_as_people_write_them(
    topics: str | list[str] | None, after: str | int | None, last: int | None, query: str
) -> None:
    feeds = parse_feeds(topics)
    assert Following(feeds, *parse_beginning(feeds, after, last)).query() == query


@pytest.mark.parametrize(
    ("topics", "after", "last"),
    [
        (None, 142, None),
        ("a,b", "142", None),
        ("a", "soon", None),
        ("a", "a:", None),
        ("a", 0, 3),
        ("a", None, -1),
    ],
)
def test_a_beginning_that_cannot_be_is_refused(
    topics: str | None, after: str | int | None, last: int | None
) -> None:
    with pytest.raises(InvalidCursor):
        parse_beginning(parse_feeds(topics), after, last)


@pytest.mark.parametrize("topics", ["", [""], "a,,b", "A", ["a", "b c"]])
def test_a_topic_that_cannot_be_is_refused_and_does_not_mean_all(topics: str | list[str]) -> None:
    with pytest.raises(InvalidTopic):
        parse_feeds(topics)


# More than a URL holds.


def test_keys_beside_their_whole_topic_are_not_asked_for() -> None:
    assert Following((JOB, Feed("monitoring"), KNOWLEDGE)).query() == "topics=monitoring,knowledge"


def test_what_does_not_fit_into_the_url_is_asked_for_by_frames_and_a_few_at_a_time() -> None:
    feeds = [Feed("monitoring", f"{number:036}") for number in range(200)]
    following = Following(feeds)
    query = following.query()
    assert len(query) < 3_500
    in_url = query.removeprefix("topics=").split(",")
    assert 20 < len(in_url) < 200
    accepted = tuple(feeds[: len(in_url)])
    heeded = following.heed(Connected("abc", accepted, dict.fromkeys(accepted, 7), 20, 30))
    asked = [frame.feed for frame in heeded.replies if isinstance(frame, Subscribe)]
    assert len(asked) == 32
    for count, feed in enumerate(asked):
        assert not following.is_standing, count
        more = following.heed(Subscribed(feed, 9, 0)).replies
        asked += [frame.feed for frame in more if isinstance(frame, Subscribe)]
    assert [*accepted, *asked] == feeds
    assert following.is_standing
    # After a cut each is asked for where it was.
    again = following.heed(Connected("def", accepted, dict.fromkeys(accepted, 7), 20, 30))
    assert again.replies[0] == Subscribe(asked[0], 9)


def test_a_position_that_did_not_fit_is_gone_back_to() -> None:
    """All topics are followed, and their positions together are longer than a URL."""
    topics = {
        f"{letter * 60}-{number}": number for number, letter in enumerate("abcdefghijklmnopqrstuvwxyz" * 2)
    }
    following = Following(())
    following.heed(connected(**topics))
    told = dict(item.rsplit(":", 1) for item in following.query().removeprefix("lastSeq=").split(","))
    assert len(told) < len(topics)
    elsewhere = connected(**{topic: int(told.get(topic, 1_000)) for topic in topics})
    asked = [frame for frame in following.heed(elsewhere).replies if isinstance(frame, Subscribe)]
    assert asked[0] == Subscribe(Feed(next(topic for topic in topics if topic not in told)), len(told))


# Holes.


def test_a_hole_is_asked_for_once_more() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=7))
    assert following.heed(event(9)).replies == (Unsubscribe(KNOWLEDGE), Subscribe(KNOWLEDGE, 7))
    assert handed(following, [10]) == []
    following.heed(Unsubscribed(KNOWLEDGE))
    assert handed(following, [8, 9, 10, 11]) == [8, 9, 10, 11]
    assert (following.stats().holes, following.stats().gaps) == (1, 0)


def test_a_hole_that_stays_is_a_gap() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=7))
    following.heed(event(10))
    following.heed(Unsubscribed(KNOWLEDGE))
    heeded = following.heed(event(10))
    assert received(heeded) == [GapFrame(KNOWLEDGE, 8, 9, GapReason.MISSING), event(10)]
    assert heeded.replies == ()
    assert following.positions == {KNOWLEDGE: 10}


def test_a_hole_behind_a_number_that_a_reset_gave_out_again_is_asked_for_once_more() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=100))
    following.heed(event(102))
    following.heed(Unsubscribed(KNOWLEDGE))
    assert handed(following, [101, 102]) == [101, 102]
    following.heed(GapFrame(KNOWLEDGE, None, 99, GapReason.RESET))
    assert handed(following, [100]) == [100]
    assert following.heed(event(102)).replies == (Unsubscribe(KNOWLEDGE), Subscribe(KNOWLEDGE, 100))


def test_a_hole_shows_at_the_end_of_a_replay_and_before_a_gap_as_well() -> None:
    for frame in (Subscribed(KNOWLEDGE, 9, 0), GapFrame(KNOWLEDGE, 9, 9, GapReason.UNREADABLE)):
        following = Following((KNOWLEDGE,))
        following.heed(connected(knowledge=7))
        assert following.heed(frame).replies == (Unsubscribe(KNOWLEDGE), Subscribe(KNOWLEDGE, 7))


def test_from_the_oldest_that_is_kept_there_is_no_hole_before_it() -> None:
    following = Following((KNOWLEDGE,), None, {KNOWLEDGE: 0})
    following.heed(connected(knowledge=0))
    assert handed(following, [700, 701]) == [700, 701]


def test_keys_and_state_topics_have_natural_holes() -> None:
    following = Following((JOB, KNOWLEDGE))
    following.heed(Connected("abc", (JOB, KNOWLEDGE), {JOB: 40}, 20, 30))
    assert received(following.heed(event(50, "monitoring", "3f9c")))
    following.heed(SnapshotFrame(KNOWLEDGE))
    assert handed(following, [3, 6, 8]) == [3, 6, 8]


# Refusals.


def test_a_refused_topic_is_the_end_with_what_the_server_says() -> None:
    following = Following((Feed("metrcs"),))
    refusal = following.heed(ErrorFrame("unknown_topic", "unknown topic 'metrcs'", "metrcs")).refusal
    assert isinstance(refusal, UnknownTopic)
    refusal = following.heed(ErrorFrame("forbidden", "you may not read 'tasks'", "tasks")).refusal
    assert isinstance(refusal, Refused)
    assert str(refusal) == "you may not read 'tasks' (forbidden)"


def test_a_topic_that_the_server_ends_by_itself_is_the_end() -> None:
    following = Following((KNOWLEDGE,))
    following.heed(connected(knowledge=7))
    assert isinstance(following.heed(Unsubscribed(KNOWLEDGE)).refusal, Refused)


def test_frames_of_a_later_version_are_ignored() -> None:
    assert Following((KNOWLEDGE,)).heed(UnknownFrame("news")) == Heeded()
