"""Requests that are nearly ones, in any pieces: answered as HTTP answers, or cut off, and never by an error of ours."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given

from tests.fuzz.mutations import mutated, pieces
from tests.fuzz.served import Served, served
from tests.server.serving import app_with, make_pulse

TOKEN: Final = "0123456789abcdef0123"

BODY: Final = (
    b'{"topic":"knowledge","event":"e","data":{"a":[1,2.5,null]},"key":"k","id":"i","expectLast":0,"ttl":60}'
)
AUTHORISED: Final = f"Host: localhost\r\nAuthorization: Bearer {TOKEN}\r\n".encode()

REQUESTS: Final = [
    b"GET /events?topics=knowledge,messages/a:b&lastSeq=knowledge:7 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: knowledge:142,messages:1\r\n"
    b"Origin: http://localhost\r\n\r\n",
    b"GET /ready HTTP/1.0\r\nHost: localhost\r\nX-Forwarded-For: 10.0.0.1, [::1]:5\r\n\r\n",
    b"POST /publish HTTP/1.1\r\n" + AUTHORISED + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY,
    b"POST /publish HTTP/1.1\r\n"
    + AUTHORISED
    + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n" % len(BODY)
    + BODY
    + b"\r\n0\r\n\r\n",
    b"POST /ticket HTTP/1.1\r\nHost: localhost\r\nCookie: a=b\r\nContent-Length: 0\r\n\r\n",
    b"GET /ws?topics=knowledge&lastSeq=knowledge:0&joined=1 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Protocol: pulse.v1, bearer.YWJj\r\n"
    b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: [::1]:80\r\nExpect: 100-continue\r\n\r\n",
    b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\nGET /health HTTP/1.1\r\nHost: localhost\r\n\r\n",
]

# 500 would be a bug of ours; 503 says that it will be different later.
_STATUS: Final = re.compile(rb"HTTP/1\.1 (?:[1-4]\d\d|503) ")


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    app = app_with(
        make_pulse(publish_token=TOKEN, trusted_proxies="127.0.0.1", ping_interval=0.5, pong_timeout=1)
    )
    with served(app) as server:
        yield server


@given(mutated(REQUESTS).flatmap(pieces))
def test_it_is_answered_or_cut_off_and_nothing_breaks(server: Served, wire: list[bytes]) -> None:
    said = server.say(*wire)
    assert not said or _STATUS.match(said), said[:200]
    server.check()
