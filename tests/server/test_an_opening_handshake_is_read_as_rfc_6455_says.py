"""`OpeningHandshake`: whatever it takes, the WebSocket library takes and answers the same; the rest is left to that."""

import base64
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.http11 import Request
from websockets.server import ServerProtocol

from pulse_radar.server.opening_handshake import OpeningHandshake

Line = tuple[bytes, bytes]

# The example of RFC 6455, section 1.3.
KEY: Final = b"dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT: Final = b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

PLAIN: Final[tuple[Line, ...]] = (
    (b"host", b"127.0.0.1"),
    (b"upgrade", b"websocket"),
    (b"connection", b"Upgrade"),
    (b"sec-websocket-key", KEY),
    (b"sec-websocket-version", b"13"),
)


def request(lines: tuple[Line, ...] = PLAIN, first: bytes = b"GET /ws?topics=a HTTP/1.1") -> bytes:
    return b"\r\n".join((first, *(name + b": " + value for name, value in lines), b"", b""))


def but(name: bytes, *values: bytes) -> tuple[Line, ...]:
    """A plain handshake with these values for one of its headers."""
    return (*(line for line in PLAIN if line[0] != name), *((name, value) for value in values))


def test_blanks_around_a_value_are_none_of_it() -> None:
    handshake = OpeningHandshake.read(request(but(b"host", b"\t 127.0.0.1 \t")))
    assert handshake is not None
    assert (b"host", b"127.0.0.1") in handshake.headers


def test_a_plain_one_is_read_and_answered() -> None:
    handshake = OpeningHandshake.read(request((*PLAIN, (b"Sec-WebSocket-Protocol", b"pulse.v1, x"))))
    assert handshake is not None
    assert (handshake.path, handshake.query) == (b"/ws", b"topics=a")
    assert handshake.headers[:5] == list(PLAIN)
    assert handshake.listed(b"sec-websocket-protocol") == ["pulse.v1", "x"]
    answer = handshake.answer([(b"server", b"uvicorn")])
    assert answer.startswith(b"HTTP/1.1 101 ")
    assert b"\r\nSec-WebSocket-Accept: " + ACCEPT + b"\r\nserver: uvicorn\r\n\r\n" in answer


@pytest.mark.parametrize(
    "odd",
    [
        request(first=b"POST /ws HTTP/1.1"),
        request(first=b"GET /ws HTTP/1.0"),
        request(first=b"GET /w\xc3\xa9 HTTP/1.1"),
        request(but(b"upgrade", b"h2c")),
        request(but(b"upgrade")),
        request(but(b"connection", b"keep-alive")),
        request(but(b"sec-websocket-key")),
        request(but(b"sec-websocket-key", KEY, KEY)),
        request(but(b"sec-websocket-key", b"c2hvcnQ=")),
        request(but(b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ==!")),
        request(but(b"sec-websocket-version", b"8")),
        request(but(b"sec-websocket-version", b"13", b"13")),
        request((*PLAIN, (b"content-length", b"4"))),
        request((*PLAIN, (b"transfer-encoding", b"chunked"))),
        request((*PLAIN, *((b"x", b"y"),) * 128)),
        request((*PLAIN, (b"x", b"y" * 8_192))),
        request()[:-2],
        request() + b"\x81\x80",
        b"\x16\x03\x01",
    ],
)
def test_what_is_odd_is_left_to_others(odd: bytes) -> None:
    assert OpeningHandshake.read(odd) is None


names = st.sampled_from([name for name, _ in PLAIN] + [b"origin", b"x", b"content-length"])
values = st.sampled_from(
    [value for _, value in PLAIN] + [b"", b"websocket, h2c", b"a, upgrade", b" 13", b"0"]
)
keys = st.binary(max_size=24).map(base64.b64encode)
lines = st.tuples(names, values | keys)


@given(st.permutations(PLAIN), st.lists(lines, max_size=4), st.integers(0, 4))
def test_what_it_takes_the_library_takes_and_answers_the_same(
    plain: list[Line], others: list[Line], fewer: int
) -> None:
    head = request((*plain[fewer and 1 :], *others))
    handshake = OpeningHandshake.read(head)
    if handshake is None:
        return
    library = ServerProtocol()
    library.receive_data(head)
    (asked,) = library.events_received()
    assert isinstance(asked, Request)
    answer = library.accept(asked)
    assert answer.status_code == 101
    assert b"Sec-WebSocket-Accept: " + answer.headers["Sec-WebSocket-Accept"].encode() in handshake.answer(())
