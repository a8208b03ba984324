"""A client that was let in sends whatever it likes: it is answered in frames, ended as documented, and harms nobody."""

from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import CloseCode as Registered
from websockets.frames import Frame, Opcode
from websockets.protocol import CLIENT, OPEN, Protocol

from pulse_radar.protocol.close_codes import CloseCode
from tests.fuzz.mutations import mutated, pieces
from tests.fuzz.served import Served, served
from tests.fuzz.test_any_text_is_read_or_refused import CLIENT as TEXTS
from tests.fuzz.test_frames_are_read_as_another_implementation_reads_them import client_frame
from tests.server.serving import app_with, handshake, make_pulse

# What we end a connection with that broke something.
CODES: Final = {Registered.PROTOCOL_ERROR, Registered.INVALID_DATA, *CloseCode}


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(app_with(make_pulse(max_frame_bytes=2_000, max_subscriptions=10))) as server:
        yield server


def may_be_sent(code: int) -> bool:
    """Source: RFC 6455, section 7.4."""
    return 3_000 <= code < 5_000 or (1_000 <= code < 1_015 and code not in (1_004, 1_005, 1_006))


def text_frame(data: bytes) -> bytes:
    head = bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else b"\x81\xfe" + len(data).to_bytes(2)
    return head + b"\0\0\0\0" + data


talk = st.lists(st.one_of(mutated(TEXTS).map(text_frame), client_frame()), max_size=12)


@given(talk.map(b"".join).flatmap(pieces))
def test_it_is_answered_in_frames_and_the_others_are_served(server: Served, wire: list[bytes]) -> None:
    said = server.say(handshake(server.port, "?topics=knowledge"), *wire, after=b"\r\n\r\n")
    head, _, frames = said.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 ")
    client = Protocol(CLIENT, state=OPEN, max_size=None)
    client.receive_data(frames)
    assert client.parser_exc is None or isinstance(client.parser_exc, EOFError)
    ends = [
        each for each in client.events_received() if isinstance(each, Frame) and each.opcode is Opcode.CLOSE
    ]
    codes = {int.from_bytes(end.data[:2]) for end in ends if end.data}
    # What a client closed with is said back, masked as it may have been.
    assert all(code in CODES or may_be_sent(code) for code in codes)
    server.check()
