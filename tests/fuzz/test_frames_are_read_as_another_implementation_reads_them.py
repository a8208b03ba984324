"""Frames of clients, valid and not, in any pieces: read by us and by `websockets`, which must agree."""

from collections.abc import Iterator
from typing import Final

from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol

from pulse_radar.server.websocket_frames import (
    Binary,
    ClientFrames,
    Closing,
    Pinged,
    Ponged,
    Said,
    Text,
    TooLong,
    Violation,
)
from tests.fuzz.mutations import pieces

MOST: Final = 300

# What was said, in order, and the close code of whoever refused the rest.
Heard = tuple[list[object], int | None]


@st.composite
def client_frame(draw: st.DrawFn) -> bytes:
    """One frame: mostly as it should be, and every field of it as it should not."""
    rarely = st.integers(0, 19).map(lambda dice: dice == 0)
    first = draw(st.sampled_from([0x81, 0x82, 0x88, 0x89, 0x8A, 0x01, 0x02, 0x00, 0x80]))
    if draw(rarely):
        first = draw(st.integers(0, 255))
    data = draw(st.one_of(st.text(max_size=20).map(str.encode), st.binary(max_size=20), st.just(b"x" * 130)))
    if first & 0x0F == Opcode.CLOSE and draw(st.booleans()):
        data = draw(st.integers(990, 5_010)).to_bytes(2) + data[:20]
    length = len(data) if not draw(rarely) else draw(st.integers(0, 2**63))
    is_masked = not draw(rarely)
    mask = draw(st.binary(min_size=4, max_size=4)) if is_masked else b""
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data)) if is_masked else data
    return bytes([first]) + _length(length, 0x80 if is_masked else 0) + mask + body


def _length(length: int, masked: int) -> bytes:
    if length < 126:
        return bytes([masked | length])
    if length < 65_536:
        return bytes([masked | 126]) + length.to_bytes(2)
    return bytes([masked | 127]) + length.to_bytes(8)


wires = st.lists(client_frame(), max_size=8).map(b"".join).flatmap(pieces)


def ours(wire: list[bytes]) -> Heard:
    frames, heard = ClientFrames(), list[object]()
    try:
        for piece in wire:
            for said in frames.feed(piece, MOST):
                match said:
                    case None:
                        continue
                    case TooLong():
                        return heard, 1009
                    case Closing():
                        return [*heard, said], None
                    case _:
                        heard.append(said)
    except Violation as violation:
        return heard, violation.close_code
    return heard, None


def theirs(wire: list[bytes]) -> Heard:
    server, heard = Protocol(SERVER, state=OPEN, max_size=MOST), list[object]()
    messages = _Messages()
    for piece in wire:
        server.receive_data(piece)
        for event in server.events_received():
            assert isinstance(event, Frame)
            for said in messages.of(event):
                if said is None:
                    return heard, 1007
                heard.append(said)
                if isinstance(said, Closing):
                    return heard, None
        if server.parser_exc is not None:
            assert server.close_sent is not None
            return heard, server.close_sent.code
    return heard, None


class _Messages:
    """Puts fragments together, which `websockets` leaves to its shells."""

    def __init__(self) -> None:
        self._opcode = Opcode.TEXT
        self._data = b""

    def of(self, frame: Frame) -> Iterator[Said | None]:
        match frame.opcode:
            case Opcode.CLOSE:
                yield Closing(int.from_bytes(frame.data[:2]) if frame.data else None)
            case Opcode.PING:
                yield Pinged(bytes(frame.data))
            case Opcode.PONG:
                yield Ponged()
            case _:
                if frame.opcode is not Opcode.CONT:
                    self._opcode, self._data = frame.opcode, b""
                self._data += bytes(frame.data)
                if frame.fin:
                    yield self._whole()

    def _whole(self) -> Said | None:
        if self._opcode is Opcode.BINARY:
            return Binary()
        try:
            self._data.decode()
        except UnicodeDecodeError:
            return None
        return Text(self._data)


@given(wires)
def test_both_hear_the_same_and_refuse_the_same(wire: list[bytes]) -> None:
    (our_words, our_code), (their_words, their_code) = ours(wire), theirs(wire)
    if their_code == 1002 and our_words and isinstance(our_words[-1], Closing):
        # A close within a message: a control frame, so it may lie there (case 7.1.5). They take it for a fault.
        our_words, our_code = our_words[:-1], 1002
    assert our_words == their_words
    # What breaks off in a frame that can only be refused, we refuse and they wait for. Which code it is, the cases of
    # Autobahn say: of a frame that is wrong in two ways each of us names another.
    assert their_code is None or our_code is not None


@given(st.lists(client_frame(), max_size=8).map(b"".join), st.data())
def test_it_does_not_matter_how_they_are_cut(wire: bytes, data: st.DataObject) -> None:
    assert ours(data.draw(pieces(wire))) == ours([wire])
