"""The files in protocol/vectors, which the TypeScript suite reads, too, hold for this implementation."""

import json
from typing import Any

import pytest

from pulse_radar.errors import InvalidEvent, ProtocolError, UsageError
from pulse_radar.protocol.close_codes import CloseCode, advice, parse_retry, retry_reason
from pulse_radar.protocol.codec import (
    decode_body,
    decode_client,
    decode_server,
    encode_body,
    encode_client,
    encode_server,
)
from pulse_radar.protocol.cursor import format_cursor, parse_cursor, parse_topics, refusal
from pulse_radar.protocol.frames import (
    ErrorCode,
    ErrorFrame,
    GapFrame,
    GapReason,
    Subscribe,
    UnknownFrame,
    Unsubscribe,
)
from pulse_radar.protocol.grammar import (
    Feed,
    check_event_id,
    check_event_name,
    check_key,
    check_sequence,
    check_topic,
)
from tests.protocol.reference_client import ReferenceClient
from tests.protocol.vectors import DIRECTORY, Vector, by_text, client_meaning, load, server_meaning

SERVER = load("server_frames")
CLIENT = load("client_frames")
QUERY = load("query")
CLOSES = load("close_codes")
GRAMMAR = load("grammar")
BODIES = load("event_bodies")
SESSIONS = load("sessions")["sessions"]


# What a server says.


def test_a_server_frame_is_read_as_it_is_meant() -> None:
    for vector in SERVER["valid"] + SERVER["accepted"]:
        frame = decode_server(vector["text"])
        assert not isinstance(frame, UnknownFrame)
        assert server_meaning(frame) == vector["frame"], vector["name"]


def test_a_server_frame_is_written_to_the_letter() -> None:
    for vector in SERVER["valid"]:
        frame = decode_server(vector["text"])
        assert not isinstance(frame, UnknownFrame)
        assert encode_server(frame).decode() == vector["text"]


def test_a_server_frame_of_a_later_version_is_no_error() -> None:
    for vector in SERVER["ignored"]:
        assert isinstance(decode_server(vector["text"]), UnknownFrame), vector["name"]


def test_what_is_no_server_frame_is_a_protocol_error() -> None:
    for vector in SERVER["invalid"]:
        with pytest.raises(ProtocolError, match="not a server's frame") as caught:
            decode_server(vector["text"])
        assert caught.value.close_code == 1002


def test_the_vectors_name_every_error_code_and_every_gap_reason() -> None:
    frames = [vector["frame"] for vector in SERVER["valid"]]
    assert {frame["code"] for frame in frames if frame["kind"] == "error"} == set(ErrorCode)
    said_by_servers = set(GapReason) - {GapReason.MISSING}
    assert {frame["reason"] for frame in frames if frame["kind"] == "gap"} == said_by_servers


# What a client says.


def test_a_client_frame_is_read_as_it_is_meant() -> None:
    for vector in CLIENT["valid"] + CLIENT["accepted"]:
        frame = decode_client(vector["text"])
        assert not isinstance(frame, UnknownFrame)
        assert client_meaning(frame) == vector["frame"], vector["name"]


def test_a_client_frame_is_written_to_the_letter() -> None:
    for vector in CLIENT["valid"]:
        frame = decode_client(vector["text"])
        assert not isinstance(frame, UnknownFrame)
        assert encode_client(frame).decode() == vector["text"]


def test_a_client_frame_of_a_later_version_is_no_error() -> None:
    for vector in CLIENT["ignored"]:
        assert isinstance(decode_client(vector["text"]), UnknownFrame), vector["name"]


def test_what_is_no_client_frame_closes_with_4400() -> None:
    for vector in CLIENT["malformed"]:
        with pytest.raises(ProtocolError, match="not a client's frame") as caught:
            decode_client(vector["text"])
        assert caught.value.close_code == CloseCode.MALFORMED


def test_a_client_frame_that_asks_for_what_cannot_be_is_refused() -> None:
    for vector in CLIENT["refused"]:
        with pytest.raises(UsageError) as caught:
            decode_client(vector["text"])
        assert refusal(caught.value).code == vector["code"]


# Conversations.


def test_a_client_stands_where_the_session_leaves_it() -> None:
    for vector in SESSIONS:
        client = ReferenceClient({Feed.parse(feed): position for feed, position in vector["before"].items()})
        for step in vector["steps"]:
            _take(client, step)
        assert by_text(client.events) == vector["events"], vector["name"]
        assert [_missed(gap) for gap in client.missed] == vector["missed"], vector["name"]
        assert by_text(client.cursor) == vector["cursor"], vector["name"]


def _take(client: ReferenceClient, step: dict[str, str]) -> None:
    match step:
        case {"server": text}:
            client.receive(decode_server(text))
        case {"client": text}:
            frame = decode_client(text)
            assert not isinstance(frame, Unsubscribe) or frame.feed in client.cursor
            if isinstance(frame, Subscribe):
                client.subscribe(frame.feed)
        case _:
            raise AssertionError(step)


def _missed(gap: GapFrame) -> Vector:
    return {name: value for name, value in server_meaning(gap).items() if name != "kind"}


# The query.


def test_topics_are_read_as_they_are_meant() -> None:
    for vector in QUERY["topics"]:
        feeds, refused = parse_topics(vector["text"])
        assert [str(feed) for feed in feeds] == vector["feeds"], vector["text"]
        assert [_refused(error) for error in refused] == vector["refused"], vector["text"]


def test_a_cursor_is_read_as_it_is_meant() -> None:
    for vector in QUERY["lastSeq"]:
        cursor, refused = parse_cursor(vector["text"])
        assert by_text(cursor.positions) == vector["positions"], vector["text"]
        assert [_refused(error) for error in refused] == vector["refused"], vector["text"]


def test_a_cursor_is_written_to_the_letter() -> None:
    for vector in QUERY["format"]:
        positions = {Feed.parse(feed): position for feed, position in vector["positions"].items()}
        assert format_cursor(positions) == vector["text"]


def test_a_feed_is_served_from_its_own_position_else_from_its_topics() -> None:
    for vector in QUERY["lookups"]:
        cursor, _ = parse_cursor(vector["text"])
        assert cursor.of(Feed.parse(vector["feed"])) == vector["position"], vector


def test_the_newest_events_are_asked_for_as_it_is_meant() -> None:
    for vector in QUERY["last"]:
        cursor, refused = parse_cursor("", vector["text"])
        assert by_text(cursor.newest) == vector["newest"], vector["text"]
        assert [_refused(error) for error in refused] == vector["refused"], vector["text"]


def test_a_feed_of_which_a_position_is_known_begins_there_and_not_with_its_newest_events() -> None:
    for vector in QUERY["starts"]:
        cursor, _ = parse_cursor(vector["lastSeq"], vector["last"])
        request = cursor.request(Feed.parse(vector["feed"]))
        assert (request.after, request.last) == (vector["after"], vector["newest"]), vector


def _refused(error: ErrorFrame) -> Vector:
    assert error.message
    return {"code": error.code, "topic": error.topic}


# Close codes.


def test_a_close_code_says_what_to_do() -> None:
    for vector in CLOSES["codes"]:
        assert advice(vector["code"]).value == vector["advice"], vector["code"]


def test_the_vectors_name_every_code_that_we_close_with() -> None:
    named = {vector["name"]: vector["code"] for vector in CLOSES["codes"] if vector["name"]}
    assert named == {code.name: code.value for code in CloseCode}


def test_a_close_reason_asks_to_wait_as_it_is_meant() -> None:
    for vector in CLOSES["reasons"]:
        assert parse_retry(vector["reason"]) == vector["retryMs"], vector["reason"]
        if vector["retryMs"] is not None:
            assert retry_reason(vector["retryMs"]) == vector["reason"]


# Names.


@pytest.mark.parametrize(
    ("names", "check"),
    [
        ("topic", check_topic),
        ("key", check_key),
        ("eventName", check_event_name),
        ("eventId", check_event_id),
        ("sequence", check_sequence),
    ],
)
def test_a_name_is_taken_or_refused(names: str, check: Any) -> None:
    for name in GRAMMAR[names]["valid"]:
        assert check(name) == name
    for name in GRAMMAR[names]["invalid"]:
        with pytest.raises(ValueError, match="invalid"):
            check(name)


def test_a_feed_is_a_topic_or_one_key_of_it() -> None:
    for vector in GRAMMAR["feed"]["valid"]:
        feed = Feed.parse(vector["text"])
        assert (feed.topic, feed.key, str(feed)) == (vector["topic"], vector["key"], vector["text"])
    for text in GRAMMAR["feed"]["invalid"]:
        with pytest.raises(UsageError):
            Feed.parse(text)


# What a broker stores.


def test_a_stored_event_is_read_as_it_is_meant() -> None:
    for vector in BODIES["valid"] + BODIES["accepted"]:
        body = decode_body(vector["text"].encode())
        meaning = {"event": body.name, "data": json.loads(bytes(body.data)), "timestampMs": body.timestamp_ms}
        assert meaning == vector["body"], vector["name"]


def test_an_event_is_stored_to_the_letter() -> None:
    for vector in BODIES["valid"]:
        body = decode_body(vector["text"].encode())
        assert encode_body(body.name, bytes(body.data), body.timestamp_ms).decode() == vector["text"]


def test_foreign_bytes_are_no_event() -> None:
    for vector in BODIES["invalid"]:
        with pytest.raises(InvalidEvent):
            decode_body(vector["text"].encode())


def test_every_file_of_vectors_says_how_it_is_read() -> None:
    files = sorted(DIRECTORY.glob("*.json"))
    readme = (DIRECTORY / "README.md").read_text(encoding="utf-8")
    assert [file.name for file in files if file.name not in readme] == []
    assert all(load(file.stem)["about"] for file in files)
