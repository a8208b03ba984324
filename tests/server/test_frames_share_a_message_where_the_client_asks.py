"""`joined=1`: frames that are written at the same time may come in one message. Everybody else gets one each."""

import json

import pytest

from pulse_radar.errors import InvalidEvent
from pulse_radar.protocol.codec import FRAME_SEPARATOR, decode_body
from tests.server.serving import Client, app_with, make_pulse, serving

_EVENTS = 200


async def _messages(is_direct: bool, query: str) -> list[list[int]]:
    """The sequences in each message of a replay, counted from its first."""
    pulse = make_pulse()
    async with serving(app_with(pulse), is_direct=is_direct) as server:
        head = pulse.position("knowledge").sequence
        for number in range(_EVENTS):
            await pulse.publish("knowledge", "atom_created", {"number": number})
        found: list[list[int]] = []
        async with Client(server.port, f"?topics=knowledge&lastSeq=knowledge:{head}{query}") as client:
            while sum(map(len, found)) < _EVENTS:
                texts = str(await client.socket.recv()).split(FRAME_SEPARATOR.decode())
                frames = [json.loads(text) for text in texts]
                found.append([frame["_seq"] - head for frame in frames if "_seq" in frame])
    return [each for each in found if each]


@pytest.mark.parametrize("is_direct", [True, False])
async def test_who_asks_gets_a_replay_in_few_messages(is_direct: bool) -> None:
    messages = await _messages(is_direct, "&joined=1")
    assert [number for each in messages for number in each] == list(range(1, _EVENTS + 1))
    assert len(messages) < _EVENTS / 10


@pytest.mark.parametrize("query", ["", "&joined=", "&joined=0"])
async def test_who_does_not_ask_gets_one_frame_a_message(query: str) -> None:
    assert await _messages(True, query) == [[number] for number in range(1, _EVENTS + 1)]


def test_no_event_can_hold_what_stands_between_frames() -> None:
    with pytest.raises(InvalidEvent):
        decode_body(b'{"event":"atom_created","data":"' + FRAME_SEPARATOR + b'"}')
    with pytest.raises(InvalidEvent):
        decode_body(b'{"event":"atom_created","data":{}}' + FRAME_SEPARATOR)
