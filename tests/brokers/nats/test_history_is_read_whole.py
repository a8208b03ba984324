"""Batches: none is taken for whole that is not, large events come in pieces, foreign headers confuse nobody."""

import asyncio
import socket

import nats
import pytest

from pulse_radar.brokers.nats import NatsBroker
from pulse_radar.brokers.nats.jetstream import Batch, JetStream, batch_of
from pulse_radar.brokers.nats.wire_format import Incoming
from pulse_radar.brokers.topic_spec import LogTopic
from pulse_radar.errors import BrokerUnavailable
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Gap
from pulse_radar.testing.broker_contract import Watcher, draft, numbers
from pulse_radar.testing.nats_server import NatsServer


def answer(**headers: str) -> Incoming:
    return Incoming("", headers={name.replace("_", "-"): value for name, value in headers.items()})


def stored(sequence: int, after: int) -> Incoming:
    return answer(Nats_Sequence=str(sequence), Nats_Last_Sequence=str(after))


def end(after: int, pending: int = 0) -> Incoming:
    return answer(Status="204", Nats_Last_Sequence=str(after), Nats_Num_Pending=str(pending))


def test_a_batch_is_its_messages_up_to_the_end() -> None:
    batch = batch_of([stored(5, 0), stored(8, 5), end(8)])
    assert len(batch.messages) == 2
    assert batch.is_end
    assert not batch_of([stored(5, 0), end(5, pending=3)]).is_end
    assert batch_of([answer(Status="404")]).is_end


@pytest.mark.parametrize(
    "answers",
    [[stored(8, 5), end(8)], [stored(5, 0), stored(9, 8), end(9)], [stored(5, 0), end(8)]],
    ids=["first", "middle", "last"],
)
def test_a_message_lost_on_the_way_is_no_hole_of_the_stream(answers: list[Incoming]) -> None:
    with pytest.raises(BrokerUnavailable, match="lost on the way"):
        batch_of(answers)


def test_a_batch_that_the_server_refuses_is_none() -> None:
    with pytest.raises(BrokerUnavailable, match="408 Bad Request"):
        batch_of([answer(Status="408", Description="Bad Request")])


async def test_large_events_come_in_pieces(server: NatsServer) -> None:
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        data = b'"' + b"x" * 400_000 + b'"'
        sequences = [await broker.store(draft("tasks", str(n), data=data)) for n in range(40)]
        async with Watcher(broker, "tasks", 0) as watcher:
            assert numbers(await watcher.reaches(sequences[-1])) == sequences
        pages = [page := await broker.read("tasks", after=0, limit=100)]
        while page.end < page.extent.last:
            pages.append(page := await broker.read("tasks", after=page.end, limit=100))
        assert [number for page in pages for number in numbers(page.entries)] == sequences
        # Sixteen megabytes are not held at once.
        assert len(pages) >= 4


async def test_pages_leave_room_for_what_is_live(server: NatsServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However large they are, and however many are read: what is live comes behind what is under way."""
    under_way: list[int] = []
    most_events = most_slices = 0
    original = JetStream.batch

    async def watched(self: JetStream, stream: str, subject: str, first: int, limit: int = 1_000) -> Batch:
        nonlocal most_events, most_slices
        under_way.append(limit)
        most_events, most_slices = max(most_events, limit), max(most_slices, len(under_way))
        try:
            return await original(self, stream, subject, first, limit)
        finally:
            under_way.remove(limit)

    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        sequences = [await broker.store(draft("tasks", str(n))) for n in range(250)]
        monkeypatch.setattr(JetStream, "batch", watched)
        pages = await asyncio.gather(*(broker.read("tasks", after=0, limit=1_000) for _ in range(20)))
    assert all(numbers(page.entries) == sequences for page in pages)
    assert most_events <= 100
    assert 1 < most_slices <= 4


async def test_headers_of_a_stranger_confuse_nobody(server: NatsServer) -> None:
    headers = {"Status": "404", "Nats-Sequence": "7", "Nats-Subject": "websocket.other", "Nats-Stream": "X"}
    client = await nats.connect(server.url)
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        async with Watcher(broker, "tasks", 0) as watcher:
            first = await broker.store(draft("tasks", "1"))
            await client.request("websocket.tasks", b'{"event":"x","data":1}', headers=headers)
            last = await broker.store(draft("tasks", "2"))
            assert numbers(await watcher.reaches(last)) == [first, first + 1, last]
        assert numbers((await broker.read("tasks", after=0, limit=10)).entries) == [first, first + 1, last]
    await client.close()


@pytest.mark.parametrize("word", [b"\xff\xfe", b"a\x0cb", b"a\x0b"])
async def test_a_subject_that_is_no_text_is_a_gap_and_no_end_of_the_connection(
    server: NatsServer, word: bytes
) -> None:
    """To a server any bytes are a word."""
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        async with Watcher(broker, "tasks", 0) as watcher:
            first = await broker.store(draft("tasks", "1"))
            with socket.create_connection(("127.0.0.1", server.port)) as stranger:
                stranger.sendall(
                    b'CONNECT {"verbose":false}\r\nPUB websocket.tasks.%b 2\r\n{}\r\nPING\r\n' % word
                )
                await watcher.reaches(first + 1)
            last = await broker.store(draft("tasks", "2"))
            entries = await watcher.reaches(last)
        assert entries[1] == Gap(first + 1, first + 1, GapReason.UNREADABLE)
        assert numbers(entries) == [first, last]
        assert broker.stats().connections == 1


async def test_erased_events_of_a_key_are_told_wherever_they_lay(server: NatsServer) -> None:
    client = await nats.connect(server.url)
    async with NatsBroker(server.url) as broker:
        await broker.declare([LogTopic("tasks")])
        keys = ["a", "erased", "a", "erased", "erased"]
        sequences = [await broker.store(draft("tasks", str(n), key=key)) for n, key in enumerate(keys)]
        question = b'{"filter":"websocket.tasks.erased"}'
        await client.request("$JS.API.STREAM.PURGE.PULSE_tasks", question, timeout=5)
        first, second, third, fourth, fifth = sequences
        holes = [Gap(second, second, GapReason.EXPIRED), Gap(fourth, fifth, GapReason.EXPIRED)]
        page = await broker.read("tasks", after=0, limit=10)
        assert [entry for entry in page.entries if isinstance(entry, Gap)] == holes
        assert numbers(page.entries) == [first, third]
        assert page.end == fifth
        async with Watcher(broker, "tasks", 0) as watcher:
            entries = await watcher.reaches(fifth)
            assert [entry for entry in entries if isinstance(entry, Gap)] == holes
    await client.close()
