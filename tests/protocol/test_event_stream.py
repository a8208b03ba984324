"""Server-sent events, pure: what is written to the letter, what a browser reads in it, where a reader stands."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.protocol.bookmark import Bookmark
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.cursor import format_cursor, parse_cursor
from pulse_radar.protocol.event_stream import Block, EventStream, longest_cursor
from pulse_radar.protocol.frames import Connected
from pulse_radar.protocol.grammar import MAX_SEQUENCE, Feed
from tests.protocol.strategies import feeds
from tests.protocol.vectors import Vector, load

STREAMS = load("event_streams")["streams"]
# A reader of a stream asks for nothing later.
SESSIONS = [
    session
    for session in load("sessions")["sessions"]
    if not any('"action":"subscribe"' in step.get("client", "") for step in session["steps"])
]


def written(vector: Vector) -> str:
    stream = EventStream()
    blocks = [Block.of(frame.encode()) for frame in vector["frames"]]
    text = stream.write(blocks) if blocks else b""
    if vector["close"] is not None:
        text += stream.end(vector["close"]["code"], vector["close"]["reason"])
    return text.decode()


@pytest.mark.parametrize("vector", STREAMS, ids=[vector["name"] for vector in STREAMS])
def test_a_stream_is_written_to_the_letter(vector: Vector) -> None:
    assert written(vector) == vector["text"]


@pytest.mark.parametrize("vector", STREAMS, ids=[vector["name"] for vector in STREAMS])
def test_a_browser_reads_the_frames_in_it(vector: Vector) -> None:
    close = [] if vector["close"] is None else [{"type": "close", "data": vector["close"]}]
    frames = [*map(json.loads, vector["frames"]), *close]
    assert [(name, json.loads(data)) for name, data in read(vector["text"])] == [
        (frame.get("type", "message"), frame) for frame in frames
    ]


@pytest.mark.parametrize("session", SESSIONS, ids=[session["name"] for session in SESSIONS])
def test_a_bookmark_stands_where_a_client_of_its_own_would(session: Vector) -> None:
    bookmark = Bookmark()
    for step in session["steps"]:
        if "server" in step:
            bookmark.move(decode_server(step["server"]))
    cursor, refused = parse_cursor(bookmark.text.decode())
    assert refused == ()
    followed = {str(feed): sequence for feed, sequence in cursor.positions.items()}
    assert followed.items() <= session["cursor"].items()


@given(st.lists(feeds, unique=True, max_size=5))
def test_no_cursor_is_longer_than_it_was_thought_to_be(followed: list[Feed]) -> None:
    positions = dict.fromkeys(followed, MAX_SEQUENCE)
    bookmark = Bookmark()
    bookmark.move(Connected("abc12345", tuple(followed), positions, 20, 30))
    assert bookmark.text.decode() == format_cursor(positions)
    assert len(bookmark.text) <= longest_cursor(followed)


def read(text: str) -> list[tuple[str, str]]:
    """The events that a browser dispatches. Source: HTML standard, section 9.2.6."""
    events, name, data = [], "", []
    for line in text.split("\n"):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            name = value
        elif field == "data":
            data.append(value)
        elif line == "":
            if data:
                events.append((name or "message", "\n".join(data)))
            name, data = "", []
    return events
