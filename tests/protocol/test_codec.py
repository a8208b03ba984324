"""Frames survive the wire, and whatever else comes over it is refused by name."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse_radar.errors import InvalidCursor, InvalidEvent, InvalidKey, InvalidTopic, ProtocolError
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.codec import (
    decode_body,
    decode_client,
    decode_server,
    encode_body,
    encode_client,
    encode_event,
    encode_server,
)
from pulse_radar.protocol.frames import Authenticate, ClientFrame, EventFrame, Pong, ServerFrame, UnknownFrame
from pulse_radar.protocol.json_value import JsonValue, encode_data
from tests.protocol.strategies import client_frames, event_names, json_values, lightly, server_frames

EVENT = b'{"topic":"metrics","event":"load","data":%s,"_seq":1}'
BODY = b'{"event":"load","data":%s}'
CLIENT = b'{"action":"pong","more":%s}'

# What JSON parsers disagree about, or choke on.
HOSTILE = [
    b"[" * 100_000,
    b"[" * 100_000 + b"]" * 100_000,
    b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"1e999",
    b"-1e999",
    b"1" * 5_000,
    b"-" + b"9" * 100_000,
    b"1" * 30,
    b"0x10",
    b"01",
    b"+1",
    b".5",
    b"'a'",
    b'"\\ud800"',
    b'"\\ud800 and on"',
    b'"\\udc00\\ud800"',
    b'"\xff"',
    b'"\xed\xa0\x80"',
    b'"\xc0\xaf"',
    b'"\x00"',
    b'"open',
    b"\xef\xbb\xbf1",
    b"",
    b"\x00",
]


@given(server_frames)
def test_a_server_frame_comes_back_as_it_went(frame: ServerFrame) -> None:
    text = encode_server(frame)
    assert decode_server(text) == frame
    assert decode_server(text.decode()) == frame


@given(client_frames)
def test_a_client_frame_comes_back_as_it_went(frame: ClientFrame) -> None:
    text = encode_client(frame)
    assert decode_client(text) == frame
    assert decode_client(text.decode()) == frame


@lightly
@given(event_names, json_values, st.none() | st.integers(0, 2**53))
def test_an_event_comes_back_from_its_broker_as_it_went(
    name: str, data: JsonValue, timestamp_ms: int | None
) -> None:
    body = decode_body(encode_body(name, encode_data(data), timestamp_ms))
    frame = decode_server(encode_event("metrics", 7, body, key="api", event_id="e1"))
    assert frame == EventFrame("metrics", name, data, 7, "api", "e1", timestamp_ms)


@lightly
@given(server_frames)
def test_a_frame_is_json_that_every_language_reads(frame: ServerFrame) -> None:
    assert isinstance(json.loads(encode_server(frame)), dict)


@given(
    st.binary(max_size=40)
    | st.text(st.characters(), max_size=20).map(lambda t: t.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_are_a_frame_or_a_documented_error(content: bytes) -> None:
    assert_frame_or_error(content)


@given(st.data())
def test_a_frame_with_any_byte_changed_is_a_frame_or_a_documented_error(data: st.DataObject) -> None:
    content = bytearray(data.draw(server_frames.map(encode_server) | client_frames.map(encode_client)))
    content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    assert_frame_or_error(bytes(content))


def test_what_parsers_choke_on_is_a_frame_or_a_documented_error() -> None:
    for piece in HOSTILE:
        for whole in (piece, EVENT % piece, BODY % piece, CLIENT % piece, b'{"type":"ping","ts":%s}' % piece):
            assert_frame_or_error(whole)


def test_a_text_with_half_a_letter_is_refused() -> None:
    with pytest.raises(ProtocolError):
        decode_client('{"action":"subscribe","topic":"\ud800"}')
    with pytest.raises(ProtocolError):
        decode_server('{"type":"\ud800"}')


def assert_frame_or_error(content: bytes) -> None:
    """No decoder raises anything but what it says."""
    with suppress(ProtocolError):
        decode_server(content)
    with suppress(ProtocolError, InvalidTopic, InvalidKey, InvalidCursor):
        decode_client(content)
    with suppress(InvalidEvent):
        decode_body(content)


def test_data_that_would_cost_every_reader_its_socket_is_no_event() -> None:
    for piece in (b"1e999", b"NaN", b'"\xff"', b'{"a":"\xed\xa0\x80"}', b"[" * 100_000 + b"]" * 100_000):
        with pytest.raises(InvalidEvent, match="not an event"):
            decode_body(BODY % piece)


@pytest.mark.parametrize("ts", [b"9007199254740993", b"1" + b"0" * 400])
def test_a_time_that_no_browser_can_read_makes_no_event(ts: bytes) -> None:
    with pytest.raises(InvalidEvent, match="not an event"):
        decode_body(b'{"event":"x","data":{},"ts":%b}' % ts)


def test_an_event_whose_data_cannot_travel_is_not_encoded() -> None:
    with pytest.raises(InvalidEvent, match="beyond 2\\^53"):
        encode_server(EventFrame("metrics", "load", 2**53 + 1, 1))


def test_an_action_of_a_later_version_is_no_error_whatever_it_says_beside() -> None:
    for name in ("topic", "key", "lastSeq", "last", "ts", "token", "data", "type"):
        text = json.dumps({"action": "later", name: {"of": ["another", "shape"]}})
        assert decode_client(text) == UnknownFrame("later")


def test_a_type_of_a_later_version_is_no_error_whatever_it_says_beside() -> None:
    for name in ("topic", "key", "lastSeq", "event", "ts", "data", "_seq", "id"):
        text = json.dumps({"type": "later", name: [{"of": "another shape"}]})
        assert decode_server(text) == UnknownFrame("later")


def test_an_unknown_kind_is_cut_for_the_log() -> None:
    assert decode_client('{"action":"' + "x" * 10_000 + '"}') == UnknownFrame("x" * 80)
    assert decode_server('{"type":"' + "x" * 10_000 + '"}') == UnknownFrame("x" * 80)


def test_a_refused_frame_says_what_is_wrong_with_it() -> None:
    with pytest.raises(ProtocolError, match=r"missing required field `topic`") as caught:
        decode_client(b'{"action":"subscribe"}')
    assert caught.value.close_code == CloseCode.MALFORMED
    with pytest.raises(ProtocolError, match=r"Expected `int \| null`, got `str` - at `\$.lastSeq`"):
        decode_client(b'{"action":"subscribe","topic":"metrics","lastSeq":"142"}')


def test_a_client_s_pong_carries_no_time() -> None:
    assert decode_client(b'{"action":"pong","ts":5}') == Pong()


def test_a_token_does_not_show_in_a_log() -> None:
    assert "secret" not in repr(Authenticate("secret"))


def test_a_client_s_frame_is_no_server_s_frame() -> None:
    with pytest.raises(TypeError, match="not a control frame"):
        encode_server(Authenticate("secret"))  # type: ignore[arg-type]
