"""Rights by topic, key and the beginning of a key."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar import InvalidKey, InvalidSetting, InvalidTopic
from pulse_radar.auth import Action, Principal, Rights
from pulse_radar.protocol.grammar import Feed


@pytest.mark.parametrize(
    ("pattern", "feed", "is_allowed"),
    [
        ("knowledge", "knowledge", True),
        ("knowledge", "knowledge/a1", True),
        ("knowledge", "knowledge2", False),
        ("knowledge/a1", "knowledge/a1", True),
        ("knowledge/a1", "knowledge/a12", False),
        ("knowledge/a1", "knowledge", False),
        ("knowledge/a1", "messages/a1", False),
        ("knowledge/ada:*", "knowledge/ada:1", True),
        ("knowledge/ada:*", "knowledge/ada:", True),
        ("knowledge/ada:*", "knowledge/ad", False),
        ("knowledge/ada:*", "knowledge", False),
        ("knowledge/ada:*", "messages/ada:1", False),
        ("knowledge/*", "knowledge/whatever", True),
        ("knowledge/*", "knowledge", False),
        ("*", "knowledge", True),
        ("*", "knowledge/a1", True),
    ],
)
def test_a_pattern_covers_its_feeds_and_no_other(pattern: str, feed: str, is_allowed: bool) -> None:
    assert Rights(read=(pattern,)).allow("read", Feed.parse(feed)) is is_allowed


def test_no_action_implies_another() -> None:
    rights = Rights(read=("a",), publish=("b",), admin=("c",))
    actions: tuple[Action, ...] = ("read", "publish", "admin")
    assert [[rights.allow(action, Feed(topic)) for topic in "abc"] for action in actions] == [
        [True, False, False],
        [False, True, False],
        [False, False, True],
    ]


@pytest.mark.parametrize(
    "pattern", ["", "/", "*/a", "Knowledge", "know*", "knowledge/", "knowledge/a*b", "knowledge/**", "a/b/c"]
)
def test_what_is_no_pattern_is_refused_rather_than_read_as_something_wider(pattern: str) -> None:
    with pytest.raises((InvalidTopic, InvalidKey)):
        Rights(read=(pattern,))


@pytest.mark.parametrize("action", ["read", "publish", "admin"])
def test_a_text_in_place_of_a_list_is_refused_and_not_read_letter_by_letter(action: str) -> None:
    with pytest.raises(InvalidSetting, match="not one text"):
        Rights(**{action: "jobs*"})  # type: ignore[arg-type]


@pytest.mark.parametrize("subject", [None, "", 7])
def test_a_principal_has_a_name(subject: object) -> None:
    with pytest.raises(InvalidSetting, match="subject"):
        Principal(subject=subject)  # type: ignore[arg-type]


topics = st.from_regex(r"[a-z][a-z0-9_-]{0,3}", fullmatch=True)
keys = st.from_regex(r"[A-Za-z0-9_=:-]{1,4}", fullmatch=True)


@given(topics, keys, topics, st.none() | keys)
def test_only_a_star_reaches_beyond_its_topic_and_only_a_topic_reaches_the_whole(
    topic: str, key: str, other: str, asked: str | None
) -> None:
    feed = Feed(other, asked)
    assert Rights(read=(topic,)).allow("read", feed) == (topic == other)
    assert Rights(read=(f"{topic}/{key}",)).allow("read", feed) == (feed == Feed(topic, key))
    begins_so = topic == other and asked is not None and asked.startswith(key)
    assert Rights(read=(f"{topic}/{key}*",)).allow("read", feed) == begins_so


@pytest.mark.parametrize("end", [float("nan"), float("inf"), float("-inf")])
def test_an_end_is_a_moment(end: float) -> None:
    with pytest.raises(InvalidSetting, match="expires_at"):
        Principal(subject="ada", expires_at=end)
