"""permessage-deflate as it is shared: one compression an event, and nothing that a client packs hurts us."""

import asyncio
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from pulse_radar import Pulse, connect
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.server import batch
from pulse_radar.server.batch import Batch
from pulse_radar.server.deflate import deflated, inflated, is_offered
from pulse_radar.server.websocket_frames import ClientFrames, Said, Text, TooLong, Violation
from tests.server.serving import PATIENCE, Client, Server, app_with, make_pulse, serving
from tests.server.test_frames_of_clients_are_read_as_rfc_6455_says import masked

# The first byte of a frame without its FIN: text, compressed.
PACKED_TEXT = 0x41

WORDS = "the same words " * 50


@pytest.fixture
async def compressing() -> AsyncIterator[tuple[Pulse, Server]]:
    pulse = make_pulse(compression=True)
    async with serving(app_with(pulse)) as server:
        yield pulse, server


@pytest.fixture
def compressed(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was compressed, each time that it was."""
    seen: list[bytes] = []

    def noted(text: bytes) -> bytes | None:
        seen.append(text)
        return deflated(text)

    monkeypatch.setattr(batch, "deflated", noted)
    return seen


def offering(**parameters: Any) -> dict[str, Any]:
    """Options of a client that offers compression."""
    return {"compression": None, "extensions": [ClientPerMessageDeflateFactory(**parameters)]}


def packed(data: bytes) -> bytes:
    """As a client with another zlib may have it: with its own level and window."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -9)
    return (deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]


def said(*pieces: bytes, most_bytes: int = 65_536) -> list[Said]:
    frames = ClientFrames(takes_deflated=True)
    return [one for piece in pieces for one in frames.feed(piece, most_bytes) if one is not None]


@pytest.mark.parametrize(
    ("offer", "is_ours"),
    [
        ("permessage-deflate", True),
        ("permessage-deflate; client_max_window_bits", True),
        ("permessage-deflate; client_no_context_takeover; server_no_context_takeover", True),
        ("permessage-deflate; server_max_window_bits=12", False),
        ("permessage-deflate; server_max_window_bits=12, permessage-deflate", True),
        ("permessage-deflate; of_tomorrow", False),
        # These have to be declined (RFC 7692, section 7.1).
        ("permessage-deflate; client_max_window_bits=20", False),
        ("permessage-deflate; client_no_context_takeover=1", False),
        ("permessage-deflate; client_max_window_bits; client_max_window_bits", False),
        ("permessage-deflate; client_max_window_bits=20, permessage-deflate", True),
        ("x-webkit-deflate-frame", False),
        ("permessage-deflate;;=", False),
        ("", False),
    ],
)
def test_which_offers_are_taken(offer: str, is_ours: bool) -> None:
    assert is_offered([offer]) == is_ours


@given(st.binary(max_size=3_000))
def test_what_is_compressed_comes_back(text: bytes) -> None:
    payload = deflated(text * 3)
    assert payload is None or inflated(payload, len(text) * 3) == text * 3


async def test_every_event_is_compressed_once_however_many_read_it(
    compressing: tuple[Pulse, Server], compressed: list[bytes]
) -> None:
    pulse, server = compressing
    async with (
        Client(server.port, "?topics=knowledge", **offering(client_max_window_bits=True)) as one,
        Client(server.port, "?topics=knowledge", **offering()) as other,
        Client(server.port, "?topics=knowledge", compression=None) as plain,
        # It wants a smaller window than the others have.
        Client(server.port, "?topics=knowledge", **offering(server_max_window_bits=12)) as small,
    ):
        assert [len(c.socket.protocol.extensions) for c in (one, other, plain, small)] == [1, 1, 0, 0]
        for client in (one, other, plain, small):
            await client.until("subscription")
        compressed.clear()
        for number in range(3):
            await pulse.publish("knowledge", "atom_created", {"text": WORDS, "number": number})
        for client in (one, other, plain, small):
            assert [frame["data"]["number"] for frame in await client.take(3)] == [0, 1, 2]
        events = [text for text in compressed if b"atom_created" in text]
        assert len(events) == len(set(events)) == 3


def test_an_event_that_many_catch_up_on_is_compressed_once(compressed: list[bytes]) -> None:
    texts = [f'{{"_seq":{number},"words":"{WORDS}"}}'.encode() for number in range(100)]
    for _ in range(50):
        assert Batch(texts).deflated
    assert compressed == texts


def test_an_event_too_long_to_be_kept_is_compressed_once_for_who_gets_it_now(compressed: list[bytes]) -> None:
    long = WORDS.encode() * 30
    together = Batch([long])
    assert together.deflated is together.deflated
    assert compressed == [long]


async def test_what_a_client_compressed_is_heeded(compressing: tuple[Pulse, Server]) -> None:
    pulse, server = compressing
    async with Client(server.port, **offering(client_max_window_bits=9)) as client:
        await client.say(action="subscribe", topic="knowledge", padding=WORDS)
        await client.until("subscription")
        await pulse.publish("knowledge", "atom_created", {"text": WORDS})
        while (frame := await client.next()).get("event") != "atom_created":
            pass
        assert frame["data"]["text"] == WORDS


async def test_it_is_off_unless_it_is_asked_for() -> None:
    async with (
        serving(app_with(make_pulse()), ws_per_message_deflate=True) as server,
        Client(server.port, **offering()) as client,
    ):
        assert not client.socket.protocol.extensions


async def test_a_message_that_unpacks_to_gigabytes_is_not_unpacked(
    compressing: tuple[Pulse, Server],
) -> None:
    _, server = compressing
    bomb = packed(bytes(60 * 1024**2))
    assert len(bomb) < 64 * 1024
    async with Client(server.port, "?topics=knowledge", **offering()) as client:
        await client.until("subscription")
        tracemalloc.start()
        try:
            client.socket.transport.write(masked(0x41, bomb))
            assert (await client.closed())[0] == 4413
            assert tracemalloc.get_traced_memory()[1] < 4 * 1024**2
        finally:
            tracemalloc.stop()


@given(st.text(max_size=400), st.lists(st.integers(0, 500), max_size=4), st.integers(1, 7))
def test_a_compressed_message_may_come_in_any_pieces(text: str, cuts: list[int], step: int) -> None:
    payload = packed(text.encode())
    places = sorted({min(cut, len(payload)) for cut in cuts} | {0, len(payload)})
    parts = [payload[start:end] for start, end in pairwise(places)] or [b""]
    wire = b"".join(
        masked(0 if index else PACKED_TEXT, part, fin=index == len(parts) - 1)
        for index, part in enumerate(parts)
    )
    pieces = [wire[start : start + step] for start in range(0, len(wire), step)]
    assert said(*pieces) == [Text(text.encode())]


def test_a_plain_message_between_compressed_ones_is_one() -> None:
    one = masked(PACKED_TEXT, packed(b"one"))
    assert said(one, masked(1, b"two"), one) == [Text(b"one"), Text(b"two"), Text(b"one")]


def test_a_message_is_as_long_as_what_it_unpacks_to() -> None:
    assert said(masked(PACKED_TEXT, packed(bytes(100))), most_bytes=100) == [Text(bytes(100))]
    assert said(masked(PACKED_TEXT, packed(bytes(101))), most_bytes=100) == [TooLong(101)]


@pytest.mark.parametrize(
    ("wire", "code"),
    [
        (masked(PACKED_TEXT, b"\xff\xff\xff"), 1007),
        (masked(PACKED_TEXT, packed(b"\xff")), 1007),
        # The bit is the first frame's, and no control frame's; the others mean nothing (RFC 7692, section 6).
        (masked(1, b"one", fin=False) + masked(0x40, b"two"), 1002),
        (masked(0x49), 1002),
        (masked(0x61, packed(b"one")), 1002),
    ],
)
def test_what_is_no_compressed_message_is_refused(wire: bytes, code: int) -> None:
    with pytest.raises(Violation) as caught:
        said(wire)
    assert caught.value.close_code == code


def test_what_gets_no_smaller_stays_as_it_is() -> None:
    brief = Batch([b'{"type":"ping"}'])
    assert brief.deflated == brief.wire
    long = Batch([WORDS.encode()])
    assert len(long.deflated) < len(long.wire) / 5


async def test_our_own_client_takes_it(compressing: tuple[Pulse, Server]) -> None:
    pulse, server = compressing
    await pulse.publish("knowledge", "atom_created", {"text": WORDS})
    async with (
        asyncio.timeout(PATIENCE),
        connect(f"ws://127.0.0.1:{server.port}/ws", topics=["knowledge"], last=1) as stream,
    ):
        while not isinstance(received := await anext(stream), EventFrame):
            pass
    assert received.data == {"text": WORDS}
