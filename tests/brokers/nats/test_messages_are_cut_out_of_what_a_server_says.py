"""Messages go past the client library: what is cut out is what it would have made of it, and all else reaches it."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nats.aio.client import Client
from nats.protocol.parser import Parser

from pulse_radar.brokers.nats.wire_format import Cut, Incoming, Outgoing, subscribing

OURS = {b"1000", b"1001"}

# A server takes a subject with any of the last three, which Python takes for space.
SUBJECTS = st.text("abcXYZ019._-$*>\x0b\x0c\r", min_size=1, max_size=12).filter(lambda word: word[-1] != "\r")
WORDS = st.text("abcXYZ019._-$*>", min_size=1, max_size=12)
VALUES = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=12)
HEADERS = st.dictionaries(WORDS, VALUES.map(lambda value: value.strip()), min_size=1, max_size=4)
# What messages hold may look like anything, also like messages.
BODIES = st.binary(max_size=40) | st.sampled_from(
    [b"", b"\r\n", b"MSG a 1000 1\r\nx\r\n", b"PING\r\nPONG\r\n"]
)
OTHERS = st.sampled_from(
    [b"PING\r\n", b"PONG\r\n", b"+OK\r\n", b"INFO {}\r\n", b"-ERR 'Permissions Violation'\r\n"]
)


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes, Incoming]:
    """As bytes, the number of its subscription, and what it is."""
    number = draw(st.sampled_from([*sorted(OURS), b"1"]))
    message = Incoming(draw(SUBJECTS), draw(st.just("") | WORDS), draw(BODIES), draw(st.none() | HEADERS))
    return said(message, number), number, message


def said(message: Incoming, number: bytes, block: bytes | None = None) -> bytes:
    """As a server says it."""
    if block is None and message.headers is not None:
        lines = "".join(f"{name}: {value}\r\n" for name, value in message.headers.items())
        block = f"NATS/1.0\r\n{lines}\r\n".encode()
    words = [message.subject.encode(), number, *([message.reply.encode()] if message.reply else [])]
    sizes = [len(message.data)] if block is None else [len(block), len(block) + len(message.data)]
    line = b" ".join([b"MSG" if block is None else b"HMSG", *words, *(b"%d" % size for size in sizes)])
    return line + b"\r\n" + (block or b"") + message.data + b"\r\n"


def fed(cut: Cut, data: bytes, breaks: list[int]) -> tuple[list[tuple[bytes, Incoming]], bytes]:
    found, rest = [], b""
    places = [0, *sorted(place % (len(data) + 1) for place in breaks), len(data)]
    for begin, end in pairwise(places):
        messages, others = cut.feed(data[begin:end])
        found += messages
        rest += others
    return found, rest


@given(st.lists(messages() | OTHERS, max_size=8), st.lists(st.integers(min_value=0), max_size=8))
def test_in_whatever_pieces_it_comes_ours_is_found_and_all_else_is_passed_on(
    stream: list[tuple[bytes, bytes, Incoming] | bytes], breaks: list[int]
) -> None:
    ours: list[tuple[bytes, Incoming]] = []
    others, whole = b"", b""
    for item in stream:
        text, number, message = item if isinstance(item, tuple) else (item, b"", None)
        whole += text
        if message is not None and number in OURS:
            ours.append((number, message))
        else:
            others += text
    assert fed(Cut(OURS), whole, breaks) == (ours, others)


@pytest.mark.parametrize(
    "block",
    [
        b"NATS/1.0\r\na: b\r\n\r\n",
        b"NATS/1.0\r\na:b\r\nc:\t d \r\n\r\n",
        b"NATS/1.0\r\na: b:c\r\nA: d\r\n\r\n",
        b"NATS/1.0\r\na: first\r\na: last\r\n\r\n",
        b"NATS/1.0\r\nno header\r\nempty:\r\n\r\n",
        "NATS/1.0\r\na: ключ\r\n\r\n".encode(),
        b"NATS/1.0\r\na: \xff\xfe\r\n\r\n",
        b"NATS/1.0 503\r\n\r\n",
        b"NATS/1.0 404 No Messages\r\n\r\n",
        b"NATS/1.0 204 EOB\r\nNats-Num-Pending: 0\r\nNats-Last-Sequence: 7\r\n\r\n",
    ],
)
async def test_headers_are_what_the_library_makes_of_them(block: bytes) -> None:
    theirs: list[dict[str, str]] = []

    class Heard(Client):
        async def _process_msg(self, sid: Any, subject: Any, reply: Any, data: Any, headers: Any) -> None:
            theirs.append(await self._process_headers(headers) or {})

    whole = said(Incoming("live.a", data=b"body"), b"1000", block)
    await Parser(Heard()).parse(whole)
    [(_, message)], _ = Cut(OURS).feed(whole)
    assert message.data == b"body"
    # Without a description ours is empty, and theirs is not there.
    assert {name: value for name, value in (message.headers or {}).items() if value} == {
        name: value for name, value in theirs[0].items() if value
    }


@pytest.mark.parametrize("end", ["\x85", "\xa0", "\u2028", "\x0b", "\x1f"])
def test_a_subject_keeps_what_python_takes_for_space(end: str) -> None:
    """Whoever may publish under one key must not be taken for another."""
    block = f"NATS/1.0\r\nNats-Subject: websocket.jobs.a{end}\r\n\r\n".encode()
    [(_, message)], _ = Cut(OURS).feed(said(Incoming("live.jobs.a"), b"1000", block))
    assert message.headers == {"Nats-Subject": f"websocket.jobs.a{end}"}


def test_what_was_begun_before_is_ended_first() -> None:
    """The library may have read the beginning of a line that ends like a message begins."""
    cut = Cut(OURS, is_within_line=True)
    message = Incoming("live.a", data=b"x")
    assert cut.feed(b'MSG"}\r\n' + said(message, b"1000")) == ([(b"1000", message)], b'MSG"}\r\n')


@pytest.mark.parametrize(
    "nonsense",
    [
        b"MSG a 1000 x\r\n",
        b"MSG\r\n",
        b"HMSG a 1000 9\r\n0123456789\r\n",
        b"H 1\r\n12\r\n",
        b"MSG a 1000 -9\r\n",
    ],
)
def test_nonsense_is_none(nonsense: bytes) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Cut(OURS).feed(nonsense)


def test_a_message_is_said_as_a_server_understands_it() -> None:
    assert Outgoing("a.b", b"x").wire == b"PUB a.b 1\r\nx\r\n"
    assert Outgoing("a.b", b"x", reply="in.1").wire == b"PUB a.b in.1 1\r\nx\r\n"
    assert Outgoing("a", b"x", {"n": "v"}, "r").wire == b"HPUB a r 18 19\r\nNATS/1.0\r\nn: v\r\n\r\nx\r\n"
    assert subscribing("live.>", b"1000") == b"SUB live.> 1000\r\n"


def test_a_header_is_one_line_whatever_it_says() -> None:
    wire = Outgoing("a", b"", {"traceparent": "00\r\nNats-Rollup: all"}).wire
    assert wire.splitlines()[2] == b"traceparent: 00  Nats-Rollup: all"
