"""A judge's own reader of server-sent events: it takes what the standard says, and believes nothing damaged."""

import asyncio
from functools import partial

import pytest

from pulse_radar.testing.fire.event_stream import EventStream
from pulse_radar.testing.fire.follower import Follower
from pulse_radar.testing.fire.logbook import ClientRecord, Seen
from pulse_radar.testing.fire.shape import FLOODED, following
from pulse_radar.testing.fire.wire import Ended

HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
)
GREETING = (
    b"retry: 1000\nid: tasks:5\nevent: connection\n"
    b'data: {"type":"connection","data":{"topics":["tasks"],"lastSeq":{"tasks":5}}}\n\n'
)
EVENT = b'id: tasks:6\ndata: {"topic":"tasks","event":"e","data":{"text":"\xd0\xbf"},"_seq":6}\n\n'
CLOSE = b'retry: 120\nevent: close\ndata: {"type":"close","data":{"code":4002,"reason":"retry=120"}}\n\n'


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Reading:
    """What a reader of a stream asked, and made of the answer."""

    def __init__(self, last_id: str | None = None) -> None:
        self.records: list[ClientRecord] = []
        self.follower = Follower(["tasks"], {"tasks": 5}, self.records.append)
        self._query = self.follower.ask()
        self._last_id = last_id
        self.request = b""

    async def of(self, answer: bytes) -> Ended:
        async with await asyncio.start_server(partial(self._serve, answer), "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            _, stream = await asyncio.get_running_loop().create_connection(self._stream, "127.0.0.1", port)
            return await stream.ended

    def _stream(self) -> EventStream:
        def hear(text: bytes, port: int) -> str | None:
            return self.follower.hear(text, 0.0, 1, port)

        target = f"/events?{self._query}"
        return EventStream(target, self._last_id, hear, self.follower.mark, lambda: 30.0)

    async def _serve(self, answer: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.request = await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        writer.close()
        await writer.wait_closed()


async def test_events_are_heard_wherever_the_network_cuts_them_and_the_last_word_is_the_end() -> None:
    whole = GREETING + EVENT + CLOSE
    reading = Reading()
    ended = await reading.of(HEAD + b"".join(chunk(whole[n : n + 7]) for n in range(0, len(whole), 7)))
    assert (ended.code, ended.reason, ended.stop) == (4002, "retry=120", None)
    assert [record.sequence for record in reading.records if isinstance(record, Seen)] == [6]
    assert reading.follower.event_id == "tasks:6"
    assert reading.request.startswith(b"GET /events?topics=tasks&lastSeq=tasks:5 HTTP/1.1\r\n")


async def test_it_comes_back_with_the_id_that_it_was_last_given() -> None:
    reading = Reading(last_id="tasks:5")
    await reading.of(HEAD + chunk(GREETING))
    assert b"\r\nLast-Event-ID: tasks:5\r\n" in reading.request


async def test_an_end_without_a_word_is_a_lost_connection() -> None:
    ended = await Reading().of(HEAD + chunk(GREETING))
    assert (ended.code, ended.stop) == (1006, None)


async def test_a_full_process_is_tried_again() -> None:
    ended = await Reading().of(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n")
    assert (ended.code, ended.reason, ended.stop) == (1006, "503", None)


@pytest.mark.parametrize(
    "answer",
    [
        HEAD + chunk(GREETING + EVENT.replace(b"\xd0", b"\x50")),
        HEAD + chunk(GREETING + EVENT.replace(b"data", b"\xe4ata")),
        HEAD + chunk(GREETING + EVENT.replace(b"id: tasks:6", b"id: tasks:7")),
        HEAD + b"\xb9" + chunk(GREETING),
        HEAD.replace(b"event-stream", b"event-str\xe5am") + chunk(GREETING),
        b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n",
    ],
    ids=["text", "field", "id", "chunk", "media type", "refusal"],
)
async def test_what_was_damaged_stops_it(answer: bytes) -> None:
    reading = Reading()
    ended = await reading.of(answer)
    assert ended.stop is not None
    assert reading.follower.event_id in (None, "tasks:5")


def test_a_run_has_streams_and_slow_readers_of_both_kinds() -> None:
    clients = [following(number) for number in range(300)]
    slow = [client for client in clients if client.is_slow]
    assert sum(client.is_stream for client in clients) > 60
    assert {client.is_stream for client in slow} == {True, False}
    assert all(FLOODED in client.feeds for client in slow)
    assert not any(FLOODED in client.feeds for client in clients if not client.is_slow)
