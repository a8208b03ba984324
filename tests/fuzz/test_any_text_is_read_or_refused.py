"""Texts from outside: frames of either side, cursors, lists of topics. Each is read, or refused as documented."""

import contextlib
import json

from hypothesis import example, given
from hypothesis import strategies as st

from pulse_radar.errors import InvalidEvent, ProtocolError, UsageError
from pulse_radar.protocol.codec import decode_client, decode_server, encode_client, encode_server
from pulse_radar.protocol.cursor import format_cursor, parse_cursor, parse_topics, refusal
from pulse_radar.protocol.frames import ClientFrame, UnknownFrame
from tests.fuzz.mutations import mutated

CLIENT = [
    b'{"action":"subscribe","topic":"metrics","key":"3f9c","lastSeq":142}',
    b'{"action":"subscribe","topic":"messages","last":50}',
    b'{"action":"unsubscribe","topic":"tasks"}',
    b'{"action":"pong"}',
    b'{"action":"ping","ts":1703750400000}',
    b'{"action":"auth","token":"abc"}',
    b'{"action":"later","data":{"a":[1,2.5,null,true,"\\u00fc"]}}',
]
SERVER = [
    b'{"type":"connection","data":{"status":"connected","connectionId":"abc12345","topics":["messages"],'
    b'"protocol":1,"pingInterval":20,"pongTimeout":30,"lastSeq":{"messages":142},"stateTopics":["messages"]}}',
    b'{"topic":"knowledge","event":"atom_created","data":{"a":[1]},"_seq":143,"key":"k","id":"i","ts":1}',
    b'{"type":"subscription","data":{"action":"subscribed","topic":"messages","seq":145,"replayed":3}}',
    b'{"type":"subscription","data":{"action":"unsubscribed","topic":"tasks"}}',
    b'{"type":"gap","data":{"topic":"messages","from":143,"to":979,"reason":"expired"}}',
    b'{"type":"gap","data":{"topic":"messages","from":null,"to":979,"reason":"reset"}}',
    b'{"type":"snapshot","data":{"topic":"metrics"}}',
    b'{"type":"ping","ts":1703750400000,"lastSeq":{"monitoring/a":7}}',
    b'{"type":"pong","ts":1703750400000}',
    b'{"type":"auth","data":{"expiresAt":1703754000,"expiresIn":3600}}',
    b'{"type":"error","data":{"code":"unknown_topic","message":"unknown topic","topic":"metrcs"}}',
]
QUERIES = [
    b"messages,monitoring/3f9c",
    b"messages:142,knowledge:89",
    b"tasks/a:b:7",
    b"a/b/c:0, ,",
    b"m:9007199254740991",
]


def read(text: bytes) -> ClientFrame | UnknownFrame | ProtocolError | UsageError:
    try:
        return decode_client(text)
    except (ProtocolError, UsageError) as error:
        return error


@given(mutated(CLIENT))
@example(b"[" * 100_000)
@example(b'{"action":"subscribe","topic":"a","lastSeq":' + b"9" * 5_000 + b"}")
@example(b'{"action":"' + b"a" * 10_000 + b'"}')
def test_a_clients_frame_is_read_or_refused(text: bytes) -> None:
    outcome = read(text)
    match outcome:
        case ProtocolError():
            assert outcome.close_code == 4400
        case UsageError():
            assert len(encode_server(refusal(outcome))) < 1_000
        case UnknownFrame():
            assert len(outcome.kind) < 1_000
        case _:
            assert decode_client(encode_client(outcome)) == outcome


@given(mutated(SERVER))
@example(b"[" * 100_000)
def test_a_servers_frame_is_read_or_refused(text: bytes) -> None:
    try:
        frame = decode_server(text)
    except ProtocolError:
        return
    if isinstance(frame, UnknownFrame):
        return
    # What a browser would round nobody may publish, and a reader takes as it comes.
    with contextlib.suppress(InvalidEvent):
        assert decode_server(encode_server(frame)) == frame


@given(
    st.one_of(mutated(QUERIES).map(lambda data: data.decode(errors="surrogateescape")), st.text(max_size=60))
)
def test_a_query_is_read_and_each_item_that_cannot_be_is_named(text: str) -> None:
    feeds, refused_topics = parse_topics(text)
    cursor, refused_items = parse_cursor(text)
    assert parse_topics(",".join(map(str, feeds))) == (feeds, ())
    assert parse_cursor(format_cursor(cursor.positions)) == (cursor, ())
    for error in (*refused_topics, *refused_items):
        assert len(encode_server(error)) < 2_000
        json.loads(encode_server(error))
