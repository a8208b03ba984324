"""What a client's bytes say: the cases of RFC 6455, in whatever pieces they come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame, Opcode

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
    close_frame,
)

MOST = 64 * 1024


def masked(opcode: int, data: bytes = b"", *, fin: bool = True, mask: bytes = b"\x37\xfa\x21\x3d") -> bytes:
    """A client's frame, also one that no other implementation would make."""
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    else:
        length = b"\xfe" + size.to_bytes(2) if size < 65_536 else b"\xff" + size.to_bytes(8)
    body = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
    return bytes([(0x80 if fin else 0) | opcode]) + length + mask + body


def said(*pieces: bytes, most_bytes: int = MOST) -> list[Said]:
    frames = ClientFrames()
    return [one for piece in pieces for one in frames.feed(piece, most_bytes) if one is not None]


def code_of(data: bytes) -> int:
    """The close code that these bytes are answered with."""
    with pytest.raises(Violation) as caught:
        said(data)
    return caught.value.close_code


def test_the_masked_hello_of_the_standard() -> None:
    assert said(bytes.fromhex("818537fa213d7f9f4d5158")) == [Text(b"Hello")]


@pytest.mark.parametrize("size", [0, 1, 3, 4, 5, 125, 126, 127, 65_535, 65_536])
def test_lengths_of_every_form(size: int) -> None:
    assert said(masked(1, b"x" * size), most_bytes=65_536) == [Text(b"x" * size)]


@given(
    st.lists(st.tuples(st.sampled_from([Opcode.TEXT, Opcode.PING]), st.text(max_size=40)), max_size=6),
    st.data(),
)
def test_it_does_not_matter_in_which_pieces_they_come(
    messages: list[tuple[Opcode, str]], data: st.DataObject
) -> None:
    wire = b"".join(Frame(opcode, text.encode()).serialize(mask=True) for opcode, text in messages)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=8)))
    pieces = [wire[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    kinds = {Opcode.TEXT: Text, Opcode.PING: Pinged}
    assert said(*pieces) == [kinds[opcode](text.encode()) for opcode, text in messages]


def test_fragments_are_one_message_and_a_ping_may_lie_between_them() -> None:
    wire = (
        masked(Opcode.TEXT, b"Hel", fin=False)
        + masked(9, b"?")
        + masked(Opcode.CONT, b"l", fin=False)
        + masked(Opcode.CONT, b"o")
    )
    assert said(wire) == [Pinged(b"?"), Text(b"Hello")]


def test_a_frame_that_says_nothing_is_counted() -> None:
    """Fragments without a byte: no length of them ever adds up to a message that is too long."""
    wire = masked(1, b"", fin=False) + masked(0, b"", fin=False) * 3 + masked(0)
    assert list(ClientFrames().feed(wire, MOST)) == [None, None, None, None, Text(b"")]


def test_an_empty_fragment_is_one() -> None:
    assert said(masked(1, b"", fin=False) + masked(0, b"")) == [Text(b"")]


def test_binary_messages_pongs_and_closes() -> None:
    assert said(masked(2, b"\xff"), masked(10, b"late"), masked(8)) == [Binary(), Ponged(), Closing(None)]


@pytest.mark.parametrize("code", [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4000, 4999])
def test_a_close_that_may_be_sent(code: int) -> None:
    assert said(masked(Opcode.CLOSE, Close(code, "tschüß").serialize())) == [Closing(code)]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535])
def test_a_close_code_that_nobody_may_send(code: int) -> None:
    assert code_of(masked(8, code.to_bytes(2))) == 1002


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (b"\x81\x05Hello", 1002),
        (masked(1 | 0x40, b"x"), 1002),
        (masked(1 | 0x10, b"x"), 1002),
        (masked(3), 1002),
        (masked(7), 1002),
        (masked(11), 1002),
        (masked(9, b"x" * 126), 1002),
        (masked(9, b"x", fin=False), 1002),
        (masked(8, b"", fin=False), 1002),
        (masked(0, b"x"), 1002),
        (masked(1, b"x", fin=False) + masked(1, b"y"), 1002),
        (masked(8, b"\x03"), 1002),
        (b"\x81\xff" + b"\xff" * 8 + b"mask", 1002),
        (masked(8, b"\x03\xe8\xff"), 1007),
        (masked(1, b"\xff"), 1007),
        (masked(1, "ü".encode()[:1]), 1007),
        (masked(1, b"\xed\xa0\x80"), 1007),
    ],
    ids=[
        "not masked",
        "first reserved bit",
        "third reserved bit",
        "a data frame that is none",
        "another",
        "a control frame that is none",
        "a long ping",
        "a ping in fragments",
        "a close in fragments",
        "a continuation of nothing",
        "a message within another",
        "half a close code",
        "a length of 64 bits",
        "a close reason that is not UTF-8",
        "text that is not UTF-8",
        "half a character",
        "a surrogate",
    ],
)
def test_a_violation_closes_with_its_code(wire: bytes, code: int) -> None:
    assert code_of(wire) == code


def test_a_character_may_lie_in_two_fragments() -> None:
    first, second = "ü".encode()[:1], "ü".encode()[1:]
    assert said(masked(1, first, fin=False) + masked(0, second)) == [Text("ü".encode())]


def test_what_comes_before_a_violation_is_heeded() -> None:
    coming = ClientFrames().feed(masked(1, b"first") + b"\x81\x05Hello", MOST)
    assert next(coming) == Text(b"first")
    with pytest.raises(Violation):
        next(coming)


def test_a_message_that_is_too_long_is_told_by_its_header() -> None:
    assert said(masked(1, b"x" * 101)[:8], most_bytes=100) == [TooLong(101)]


def test_fragments_that_are_too_long_together_are_told_of_once() -> None:
    wire = masked(1, b"x" * 60, fin=False) + masked(0, b"x" * 60, fin=False) * 3
    assert said(wire, most_bytes=100) == [TooLong(120)]


def test_behind_a_message_that_is_too_long_the_answer_to_our_close_is_read() -> None:
    long, close = masked(1, b"x" * 5_000), masked(8, b"\x11\x3d")
    wire = long + masked(1, b"not heeded") + masked(9) + close
    for piece in (1, 7, 1_000, len(wire)):
        pieces = [wire[at : at + piece] for at in range(0, len(wire), piece)]
        assert said(*pieces, most_bytes=100) == [TooLong(5_000), Closing(4413)]


def test_behind_a_close_nothing_is_read() -> None:
    assert said(masked(8) + masked(1, b"x"), masked(1, b"y")) == [Closing(None)]


def test_our_own_close_frames_fit_whatever_the_reason() -> None:
    assert close_frame(4002, "retry=5") == b"\x88\x09\x0f\xa2retry=5"
    assert close_frame(None) == b"\x88\x00"
    long = close_frame(4400, "ü" * 100)
    assert long[1] == 2 + 122
    assert long[4:].decode() == "ü" * 61
