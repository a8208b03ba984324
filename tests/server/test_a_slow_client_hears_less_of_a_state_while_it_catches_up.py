"""Who is slow with a replay hears fewer changes of its state topics, instead of being evicted for them."""

import asyncio

from pulse_radar.hub.actions import AwaitWritable, Close, Send
from pulse_radar.hub.inputs import Arrived, Input, LogOpened, Opened, StateOpened
from pulse_radar.protocol.cursor import parse_cursor, parse_topics
from pulse_radar.server.batch import Batch
from pulse_radar.stream.entry import Extent
from tests.hub.bench import HEAD, event, events
from tests.server.wires import Process, StalledWire

STATE, LOG = "prices", "old"


class Runner(Process):
    """One that does what its hub says: a client is told at once when it is its turn."""

    def tell(self, told: Input) -> None:
        for action in self.hub.handle(told, 0.0):
            match action:
                case Send(connections, texts):
                    self.sessions.send(connections, Batch(texts))
                case AwaitWritable(connection_id):
                    self.sessions.await_writable(connection_id)
                case Close(connection_id, code, reason):
                    self.sessions.close(connection_id, code, reason)
                case _:
                    raise AssertionError(f"everything is in memory: {action}")

    def ask_for_turn(self, connection_id: str) -> None:
        self.sessions.take_turn(connection_id)


async def test_who_is_slow_with_a_replay_hears_less_of_a_state_and_the_newest_in_the_end() -> None:
    process, wire = Runner(STATE, LOG), StalledWire()
    process.tell(LogOpened(LOG, HEAD, HEAD))
    process.tell(StateOpened(STATE, HEAD, Extent(HEAD + 1, HEAD + 1, HEAD)))
    process.tell(Arrived(LOG, events(LOG, HEAD + 1, HEAD + 30, size=100_000)))
    session = process.add("c", wire)
    # It is live on the state, and the first page of the log is on the wire.
    process.tell(
        Opened("c", parse_topics(f"{STATE},{LOG}")[0], parse_cursor(f"{LOG}:{HEAD},{STATE}:{HEAD}")[0])
    )
    for number in range(HEAD + 1, HEAD + 101):
        process.tell(Arrived(STATE, (event(STATE, number, "k", size=10_000),)))
        await asyncio.sleep(0)
    assert wire.closed_with is None
    assert process.hub.stats().topics[STATE].conflated
    while wire.unsent_bytes:
        wire.unsent_bytes = 0
        session.writable()
        await asyncio.sleep(0)
    heard = [(frame.topic, frame.sequence) for frame in wire.events]
    assert [sequence for topic, sequence in heard if topic == LOG] == list(range(HEAD + 1, HEAD + 31))
    assert len([topic for topic, _ in heard if topic == STATE]) < 50
    assert (STATE, HEAD + 100) in heard
