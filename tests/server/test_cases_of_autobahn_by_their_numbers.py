"""The cases of Autobahn's test suite for servers, by their numbers, rebuilt from RFC 6455.

What is said back is there as well: an echo over a real socket. Cases 9 measure time; 12 and 13 are about compression,
which is never agreed on; 6.4 wants bad text to fail before its message has come whole, which the RFC does not
ask for: it fails when it has.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

import pytest
from websockets.frames import Close, Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from pulse_radar.server.allowance import FrameBounds
from pulse_radar.server.batch import Batch
from pulse_radar.server.lean_websocket import LeanWebSocket
from pulse_radar.server.websocket_frames import frame
from tests.server.test_frames_of_clients_are_read_as_rfc_6455_says import masked

PATIENCE: Final = 30

TEXT, BINARY, CONT = Opcode.TEXT, Opcode.BINARY, Opcode.CONT
CLOSE, PING, PONG = Opcode.CLOSE, Opcode.PING, Opcode.PONG

Answer = tuple[Opcode, bytes]

# After it nothing is said, and the connection ends.
NORMAL: Final = (CLOSE, Close(1000, "").serialize())


def failed(code: int) -> Answer:
    """A close of ours; its reason is ours to choose."""
    return (CLOSE, code.to_bytes(2))


def say(*frames: bytes) -> bytes:
    """These frames, and then a proper end."""
    return b"".join((*frames, masked(CLOSE, Close(1000, "").serialize())))


def text(data: str | bytes) -> bytes:
    return masked(TEXT, data.encode() if isinstance(data, str) else data)


def echo(*messages: str | bytes) -> list[Answer]:
    """The messages come back, and the close."""
    sent = [one.encode() if isinstance(one, str) else one for one in messages]
    return [*((TEXT, one) for one in sent), NORMAL]


def parts(data: bytes, size: int = 1) -> bytes:
    """One text message in fragments of so many bytes."""
    pieces = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
    last = len(pieces) - 1
    return b"".join(
        masked(TEXT if place == 0 else CONT, piece, fin=place == last) for place, piece in enumerate(pieces)
    )


LONG = "*" * 65_536
SPOKEN = "Hello-µ@ßöäüàá-UTF-8!!"

# Case 6.5 and on, after Markus Kuhn: what is text.
VALID: Final = {
    "6.5.1": "\U0001f600κόσμε",
    "6.6.2": "κ",
    "6.6.5": "κό",
    "6.6.7": "κόσ",
    "6.6.9": "κόσμ",
    "6.6.11": "κόσμε",
    "6.7.1": "\x00",
    "6.7.2": "\x80",
    "6.7.3": "\u0800",
    "6.7.4": "\U00010000",
    "6.9.1": "\x7f",
    "6.9.2": "\u07ff",
    "6.9.3": "\uffff",
    "6.9.4": "\U0010ffff",
    "6.11.1": "\ud7ff",
    "6.11.2": "\ue000",
    "6.11.3": "\ufffd",
    "6.11.4": "\U0010ffff",
    "6.22.1": "\ufffe",
    "6.22.2": "\uffff",
    "6.22.3": "\U0001fffe",
    "6.22.34": "\U0010ffff",
    "6.23.1": "\ufff9",
    "6.23.7": "\uffff",
}

# And what is none: impossible bytes, lonely and missing continuations, overlong forms, surrogates, numbers too large.
INVALID: Final = {
    "6.3.1": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited",
    "6.6.1": b"\xce",
    "6.6.3": b"\xce\xba\xe1",
    "6.6.4": b"\xce\xba\xe1\xbd",
    "6.6.6": b"\xce\xba\xe1\xbd\xb9\xcf",
    "6.6.8": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce",
    "6.6.10": b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce",
    "6.8.1": b"\xf8\x88\x80\x80\x80",
    "6.8.2": b"\xfc\x84\x80\x80\x80\x80",
    "6.10.1": b"\xf7\xbf\xbf\xbf",
    "6.10.2": b"\xfb\xbf\xbf\xbf\xbf",
    "6.10.3": b"\xfd\xbf\xbf\xbf\xbf\xbf",
    "6.11.5": b"\xf4\x90\x80\x80",
    "6.12.1": b"\x80",
    "6.12.2": b"\xbf",
    "6.12.3": b"\x80\xbf",
    "6.12.8": bytes(range(0x80, 0xC0)),
    "6.13.1": b"".join(bytes([lead, 0x20]) for lead in range(0xC0, 0xE0)),
    "6.13.2": b"".join(bytes([lead, 0x20]) for lead in range(0xE0, 0xF0)),
    "6.13.3": b"".join(bytes([lead, 0x20]) for lead in range(0xF0, 0xF8)),
    "6.13.4": b"".join(bytes([lead, 0x20]) for lead in range(0xF8, 0xFC)),
    "6.13.5": b"\xfc\x20\xfd\x20",
    "6.14.1": b"\xc0",
    "6.14.2": b"\xe0\x80",
    "6.14.3": b"\xf0\x80\x80",
    "6.14.4": b"\xf8\x80\x80\x80",
    "6.14.6": b"\xdf",
    "6.14.7": b"\xef\xbf",
    "6.14.8": b"\xf7\xbf\xbf",
    "6.15.1": b"\xc0\xe0\x80\xf0\x80\x80\xf8\x80\x80\x80\xfc\x80\x80\x80\x80\xdf\xef\xbf\xf7\xbf\xbf",
    "6.16.1": b"\xfe",
    "6.16.2": b"\xff",
    "6.16.3": b"\xfe\xfe\xff\xff",
    "6.17.1": b"\xc0\xaf",
    "6.17.2": b"\xe0\x80\xaf",
    "6.17.3": b"\xf0\x80\x80\xaf",
    "6.17.4": b"\xf8\x80\x80\x80\xaf",
    "6.18.1": b"\xc1\xbf",
    "6.18.2": b"\xe0\x9f\xbf",
    "6.18.3": b"\xf0\x8f\xbf\xbf",
    "6.19.1": b"\xc0\x80",
    "6.19.2": b"\xe0\x80\x80",
    "6.19.3": b"\xf0\x80\x80\x80",
    "6.20.1": b"\xed\xa0\x80",
    "6.20.2": b"\xed\xad\xbf",
    "6.20.3": b"\xed\xae\x80",
    "6.20.4": b"\xed\xaf\xbf",
    "6.20.5": b"\xed\xb0\x80",
    "6.20.6": b"\xed\xbe\x80",
    "6.20.7": b"\xed\xbf\xbf",
    "6.21.1": b"\xed\xa0\x80\xed\xb0\x80",
    "6.21.5": b"\xed\xae\x80\xed\xb0\x80",
    "6.21.8": b"\xed\xaf\xbf\xed\xbf\xbf",
}


def cases() -> Iterator[tuple[str, bytes, list[Answer]]]:
    """Number, what a client sends, and what it is answered."""
    for number, size in enumerate([0, 125, 126, 127, 128, 65_535, 65_536], 1):
        yield f"1.1.{number}", say(text("*" * size)), echo("*" * size)
        yield f"1.2.{number}", say(masked(BINARY, b"\xfe" * size)), [(BINARY, b""), NORMAL]
    for number, data in enumerate(
        [b"", b"Hello, world!", b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff", b"\xfe" * 125], 1
    ):
        yield f"2.{number}", say(masked(PING, data)), [(PONG, data), NORMAL]
    yield "2.5", say(masked(PING, b"\xfe" * 126)), [failed(1002)]
    yield "2.7", say(masked(PONG)), [NORMAL]
    yield "2.8", say(masked(PONG, b"unsolicited")), [NORMAL]
    yield "2.9", say(masked(PONG, b"unsolicited"), masked(PING, b"ping")), [(PONG, b"ping"), NORMAL]
    many = [b"payload-%d" % number for number in range(10)]
    yield "2.10", say(*(masked(PING, one) for one in many)), [*((PONG, one) for one in many), NORMAL]
    yield "3.1", say(masked(TEXT | 0x40, b"Hello")), [failed(1002)]
    for number, bits in enumerate([0x20, 0x30, 0x40], 2):
        wire = say(text("Hello"), masked(TEXT | bits, b"Hello"), masked(PING))
        yield f"3.{number}", wire, [(TEXT, b"Hello"), failed(1002)]
    for number, frame_ in enumerate([BINARY | 0x50, PING | 0x60, CLOSE | 0x70], 5):
        yield f"3.{number}", say(masked(frame_, b"\x03\xe8")), [failed(1002)]
    for number, opcode in enumerate([3, 4, 5, 6, 7], 1):
        yield f"4.1.{number}", say(text("Hello"), masked(opcode, b"x")), [(TEXT, b"Hello"), failed(1002)]
    for number, opcode in enumerate([11, 12, 13, 14, 15], 1):
        yield f"4.2.{number}", say(text("Hello"), masked(opcode, b"x")), [(TEXT, b"Hello"), failed(1002)]
    yield from fragments()
    yield from utf8()
    yield from closes()


def fragments() -> Iterator[tuple[str, bytes, list[Answer]]]:
    first, last = masked(TEXT, b"frag1", fin=False), masked(CONT, b"frag2")
    more = masked(CONT, b"frag", fin=False)
    yield "5.1", say(masked(PING, b"a", fin=False), masked(CONT, b"b")), [failed(1002)]
    yield "5.2", say(masked(PONG, b"a", fin=False), masked(CONT, b"b")), [failed(1002)]
    yield "5.3", say(first, last), echo("frag1frag2")
    yield "5.6", say(first, masked(PING, b"?"), last), [(PONG, b"?"), *echo("frag1frag2")]
    yield "5.9", say(masked(CONT, b"x"), text("Hello")), [failed(1002)]
    yield "5.12", say(masked(CONT, b"x", fin=False), text("Hello")), [failed(1002)]
    wire = say(first, last, masked(CONT, b"x", fin=False), text("Hello"))
    yield "5.15", wire, [(TEXT, b"frag1frag2"), failed(1002)]
    yield "5.16", say(more, text("Hello"), masked(CONT, b"x")), [failed(1002)]
    yield "5.17", say(last, text("Hello"), masked(CONT, b"x")), [failed(1002)]
    yield "5.18", say(first, text("Hello")), [failed(1002)]
    pinged = say(first, more, masked(PING, b"1"), more, more, masked(PING, b"2"), masked(CONT, b"end"))
    yield "5.19", pinged, [(PONG, b"1"), (PONG, b"2"), *echo("frag1fragfragfragend")]


def utf8() -> Iterator[tuple[str, bytes, list[Answer]]]:
    yield "6.1.1", say(text("")), echo("")
    yield "6.1.2", say(masked(TEXT, fin=False), masked(CONT, fin=False), masked(CONT)), echo("")
    yield "6.1.3", say(masked(TEXT, fin=False), masked(CONT, b"mid", fin=False), masked(CONT)), echo("mid")
    yield "6.2.1", say(text(SPOKEN)), echo(SPOKEN)
    yield "6.2.2", say(parts(SPOKEN.encode(), 12)), echo(SPOKEN)
    yield "6.2.3", say(parts(SPOKEN.encode())), echo(SPOKEN)
    yield "6.2.4", say(parts("κόσμε".encode())), echo("κόσμε")
    yield "6.3.2", say(parts(INVALID["6.3.1"])), [failed(1007)]
    for number, valid in VALID.items():
        yield number, say(text(valid), parts(valid.encode())), echo(valid, valid)
    for number, invalid in INVALID.items():
        yield number, say(text(invalid)), [failed(1007)]


def closes() -> Iterator[tuple[str, bytes, list[Answer]]]:
    yield "7.1.1", say(text("Hello World!")), echo("Hello World!")
    yield "7.1.2", say() + say(), [NORMAL]
    yield "7.1.3", say() + masked(PING), [NORMAL]
    yield "7.1.4", say() + text("Hello"), [NORMAL]
    yield "7.1.5", say(masked(TEXT, b"fragment1", fin=False)) + masked(CONT, b"fragment2"), [NORMAL]
    yield "7.1.6", say(*[text(LONG)] * 4, text("Hello")) + masked(PING), echo(*[LONG] * 4, "Hello")
    yield "7.3.1", masked(CLOSE), [(CLOSE, b"")]
    yield "7.3.2", masked(CLOSE, b"a"), [failed(1002)]
    yield "7.3.3", masked(CLOSE, b"\x03\xe8"), [NORMAL]
    yield "7.3.4", masked(CLOSE, Close(1000, "Hello World!").serialize()), [NORMAL]
    yield "7.3.5", masked(CLOSE, Close(1000, "*" * 123).serialize()), [NORMAL]
    yield "7.3.6", masked(CLOSE, b"\x03\xe8" + b"*" * 124), [failed(1002)]
    yield "7.5.1", masked(CLOSE, b"\x03\xe8\xce\xba\xe1\xbd\xb9\xed\xa0\x80"), [failed(1007)]
    allowed = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999]
    for number, code in enumerate(allowed, 1):
        yield f"7.7.{number}", masked(CLOSE, code.to_bytes(2)), [failed(code)]
    for number, code in enumerate([0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999], 1):
        yield f"7.9.{number}", masked(CLOSE, code.to_bytes(2)), [failed(1002)]
    for number, code in enumerate([5000, 65_535], 1):
        yield f"7.13.{number}", masked(CLOSE, code.to_bytes(2)), [failed(1002)]
    yield "10.1.1", say(parts(LONG.encode(), 1_300)), echo(LONG)


CASES: Final = list(cases())


class Echo:
    """A listener that says back what it hears; that something binary came, with an empty frame."""

    max_frame_bytes = 65_536

    def __init__(self, wire: LeanWebSocket) -> None:
        self._wire = wire
        self.allowance = FrameBounds(65_536, 1_000_000, 1.0).allowance(0.0)

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_soon(hear)

    def received(self, text: str | bytes) -> None:
        assert isinstance(text, bytes)
        self._wire.write(Batch([text]))

    def received_binary(self) -> None:
        self._wire._write_in_line(frame(BINARY, b""))

    def too_long(self, size: int) -> None:
        raise AssertionError(f"{size} bytes are not too many")

    def too_many(self) -> None:
        raise AssertionError("nor are the frames")

    def alive(self) -> None:
        """As it should be."""

    def writable(self) -> None:
        """It has no more to say."""

    def ending(self, within_seconds: float = 0) -> None:
        """The server of a test just ends."""

    def closed(self) -> None:
        """Nobody waits for it."""


class Handshaken(asyncio.Protocol):
    """Hands each connection over at once, as if its handshake were done."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        wire = LeanWebSocket(transport, set(), None)
        wire.listen(Echo(wire))


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(Handshaken, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def answers(port: int, wire: bytes, piece: int) -> list[Answer]:
    """All that these bytes are answered, to the end of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    said = b""
    try:
        async with asyncio.timeout(PATIENCE):
            with contextlib.suppress(ConnectionError):
                for at in range(0, len(wire), piece):
                    writer.write(wire[at : at + piece])
                    await writer.drain()
                    if piece < 10:
                        await asyncio.sleep(0)
                while more := await reader.read(65_536):
                    said += more
    finally:
        writer.close()
    return list(read(said))


def read(said: bytes) -> Iterator[Answer]:
    """The frames, as another implementation reads them."""
    client = Protocol(CLIENT, state=OPEN, max_size=None)
    client.receive_data(said)
    assert client.parser_exc is None
    for event in client.events_received():
        assert isinstance(event, Frame)
        assert event.fin
        yield event.opcode, bytes(event.data)


def matches(got: list[Answer], wanted: list[Answer]) -> bool:
    """Whether they are the same, but for the reason of a failure."""
    cut = [(kind, data[:2] if kind is CLOSE else data) for kind, data in got]
    return cut == [(kind, data[:2] if kind is CLOSE else data) for kind, data in wanted]


@pytest.mark.parametrize("piece", [1_000_000, 1], ids=["at once", "byte by byte"])
async def test_each_case_is_answered_as_the_standard_says(piece: int) -> None:
    async with echoing() as port:
        for number, wire, wanted in CASES:
            if piece == 1 and (len(wire) > 2_000 or number.startswith("7.1.")):
                # Long, or spoken after a close: who does so may be reset before it has heard ours.
                continue
            got = await answers(port, wire, piece)
            assert matches(got, wanted), (number, got, wanted)


def test_every_kind_is_there_and_no_number_twice() -> None:
    numbers = [number for number, _, _ in CASES]
    assert len(set(numbers)) == len(numbers) > 170
    assert {number.partition(".")[0] for number in numbers} == {"1", "2", "3", "4", "5", "6", "7", "10"}
