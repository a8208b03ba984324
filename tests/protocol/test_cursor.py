"""The texts of the query come back as they went; a bad item costs itself and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.errors import InvalidCursor, InvalidKey, InvalidTopic, UsageError
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.cursor import Cursor, format_cursor, parse_cursor, parse_topics, refusal
from pulse_radar.protocol.frames import ErrorFrame
from pulse_radar.protocol.grammar import Feed
from tests.protocol.strategies import feeds, lightly, positions


@lightly
@given(positions)
def test_a_cursor_comes_back_as_it_went(where: dict[Feed, int]) -> None:
    assert parse_cursor(format_cursor(where)) == (Cursor(where), ())


@lightly
@given(st.lists(feeds, unique=True, max_size=4))
def test_topics_come_back_as_they_went(asked: list[Feed]) -> None:
    assert parse_topics(",".join(map(str, asked))) == (tuple(asked), ())


@given(st.text(max_size=30) | st.lists(st.sampled_from("a/:,1 é-"), max_size=12).map("".join))
def test_any_query_is_read_and_each_item_is_taken_or_refused(text: str) -> None:
    items = {item.strip() for item in text.split(",")} - {""}
    asked, refused_topics = parse_topics(text)
    assert {str(feed) for feed in asked} | {error.topic for error in refused_topics} == items
    cursor, refused_cursors = parse_cursor(text)
    assert len(cursor.positions) + len({error.topic for error in refused_cursors}) <= len(items)
    assert {error.topic for error in refused_cursors} <= items


def test_a_refusal_names_the_item_but_not_all_of_a_long_one() -> None:
    _, [error] = parse_topics("X" * 5_000)
    assert error.topic == "X" * 200
    assert len(error.message) < 300
    _, [error] = parse_cursor("messages:" + "9" * 5_000)
    assert error.topic is not None
    assert len(error.topic) == 200
    assert len(error.message) < 300


def test_a_refusal_of_half_a_surrogate_pair_is_a_frame() -> None:
    _, [refused] = parse_topics("\udc80messages")
    assert b'"topic":"?messages"' in encode_server(refused)


def test_a_refusal_carries_the_code_of_its_error() -> None:
    cases: list[tuple[UsageError, str]] = [
        (InvalidCursor("c"), "invalid_cursor"),
        (InvalidKey("k"), "invalid_key"),
        (InvalidTopic("t"), "invalid_topic"),
    ]
    for error, code in cases:
        assert refusal(error) == ErrorFrame(code, str(error), None)
        assert refusal(error, "").topic == ""
