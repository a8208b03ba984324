"""What a follower asks for and how far it is: frames in, frames out."""

from pulse_radar.cli.tailing.following import Beginning, Following, Heeded
from pulse_radar.protocol.frames import (
    Connected,
    ErrorCode,
    ErrorFrame,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    Pong,
    Subscribe,
    Subscribed,
    UnknownFrame,
    Unsubscribe,
    Unsubscribed,
)
from pulse_radar.protocol.grammar import Feed

KNOWLEDGE = Feed("knowledge")
JOB = Feed("monitoring", "3f9c")


def connected(**positions: int) -> Connected:
    feeds = {Feed(topic): position for topic, position in positions.items()}
    return Connected("abc", tuple(feeds), feeds, 20, 30)


def event(sequence: int, topic: str = "knowledge", key: str | None = None) -> EventFrame:
    return EventFrame(topic, "happened", {}, sequence, key)


def live(*feeds: Feed) -> Following:
    return Following(feeds, {}, Beginning())


def test_it_asks_for_its_topics_and_goes_on_after_what_it_has_shown() -> None:
    following = live(KNOWLEDGE, JOB)
    assert following.query == "topics=knowledge,monitoring/3f9c"
    following.heed(Connected("abc", (KNOWLEDGE, JOB), {KNOWLEDGE: 7, JOB: 40}, 20, 30))
    assert following.heed(event(8, key="x")) == Heeded(is_shown=True)
    assert following.heed(event(41, "monitoring", "3f9c")).is_shown
    assert following.query == "topics=knowledge,monitoring/3f9c&lastSeq=knowledge:8,monitoring/3f9c:41"


def test_a_connection_that_breaks_before_the_first_event_is_resumed_all_the_same() -> None:
    following = live(KNOWLEDGE)
    following.heed(connected(knowledge=7))
    assert following.query == "topics=knowledge&lastSeq=knowledge:7"


def test_all_topics_are_asked_for_by_naming_none() -> None:
    following = live()
    assert following.query == ""
    following.heed(connected(knowledge=7, tasks=3))
    assert following.query == "lastSeq=knowledge:7,tasks:3"


def test_a_gap_is_shown_and_its_end_is_the_cursor_even_if_that_is_lower() -> None:
    following = live(KNOWLEDGE)
    following.heed(connected(knowledge=700))
    assert following.heed(GapFrame(KNOWLEDGE, None, 30, GapReason.RESET)).is_shown
    assert following.positions == {KNOWLEDGE: 30}


def test_catching_up_and_quiet_keys_move_the_cursor() -> None:
    following = live(JOB)
    following.heed(Connected("abc", (JOB,), {JOB: 40}, 20, 30))
    following.heed(Subscribed(JOB, 44, 0))
    assert following.positions == {JOB: 44}
    assert following.heed(Ping(1, {JOB: 90})) == Heeded(replies=(Pong(),))
    assert following.positions == {JOB: 90}


def test_the_last_events_are_asked_for_by_entering_each_topic_anew() -> None:
    following = Following((), {}, Beginning(last=5))
    assert following.heed(connected(knowledge=7)).replies == (
        Unsubscribe(KNOWLEDGE),
        Subscribe(KNOWLEDGE, None, 5),
    )
    # Said between the two: the replay brings it in its place.
    assert not following.heed(Subscribed(KNOWLEDGE, 7, 0)).is_shown
    assert not following.heed(event(8)).is_shown
    assert following.query == ""
    following.heed(Unsubscribed(KNOWLEDGE))
    shown = [sequence for sequence in range(4, 9) if following.heed(event(sequence)).is_shown]
    assert shown == [4, 5, 6, 7, 8]


def test_after_a_beginning_elsewhere_it_resumes_from_its_cursor() -> None:
    following = Following((KNOWLEDGE,), {}, Beginning(after=0))
    assert following.heed(connected(knowledge=7)).replies == (
        Unsubscribe(KNOWLEDGE),
        Subscribe(KNOWLEDGE, 0, None),
    )
    following.heed(Unsubscribed(KNOWLEDGE))
    following.heed(event(3))
    assert following.query == "topics=knowledge&lastSeq=knowledge:3"
    assert following.heed(connected(knowledge=3)).replies == ()


def test_a_beginning_that_was_cut_off_is_begun_again() -> None:
    following = Following((KNOWLEDGE,), {}, Beginning(last=5))
    following.heed(connected(knowledge=7))
    assert following.query == "topics=knowledge"
    assert following.heed(connected(knowledge=9)).replies == (
        Unsubscribe(KNOWLEDGE),
        Subscribe(KNOWLEDGE, None, 5),
    )


def test_given_positions_are_the_first_cursor() -> None:
    following = Following((KNOWLEDGE,), {KNOWLEDGE: 5}, Beginning())
    assert following.query == "topics=knowledge&lastSeq=knowledge:5"


def test_frames_of_a_later_version_are_ignored() -> None:
    assert live(KNOWLEDGE).heed(UnknownFrame("news")) == Heeded()


def test_it_is_refused_once_the_server_has_refused_all_that_was_asked_for() -> None:
    following = live(KNOWLEDGE, JOB)
    told = []
    for feed in (KNOWLEDGE, JOB):
        following.heed(ErrorFrame(ErrorCode.UNKNOWN_TOPIC, f"unknown topic '{feed}'", str(feed)))
        told.append(following.is_refused)
    assert told == [False, True]


def test_whoever_asks_for_nothing_in_particular_is_never_refused() -> None:
    following = live()
    following.heed(connected())
    following.heed(ErrorFrame(ErrorCode.INVALID_CURSOR, "malformed", "x:y"))
    assert not following.is_refused
