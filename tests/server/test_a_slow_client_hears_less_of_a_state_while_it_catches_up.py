"""Who is slow with a replay hears fewer changes of its state topics, instead of being evicted for them."""

import asyncio
from collections.abc import Callable, Coroutine

from pulse_radar.hub.actions import AwaitWritable, Close, Send
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Arrived, Input, LogOpened, Opened, StateOpened
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.cursor import parse_cursor, parse_topics
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.server.allowance import NO_FRAMES
from pulse_radar.server.batch import Batch
from pulse_radar.server.places import ConnectionBounds, Places
from pulse_radar.server.session import Session
from pulse_radar.server.sessions import Sessions
from pulse_radar.server.transport import Listener
from pulse_radar.stream.entry import Extent
from tests.hub.bench import HEAD, event, events

STATE, LOG = "prices", "old"
LIMIT = 1_048_576


class Wire:
    """A client that takes nothing, until a test takes all there is."""

    def __init__(self) -> None:
        self.unsent_bytes = 0
        self.closed_with: int | None = None
        self.heard: list[tuple[str, int]] = []

    def listen(self, listener: Listener) -> None:
        """Nothing comes from here."""

    def write(self, batch: Batch) -> int:
        frames = map(decode_server, batch.texts)
        self.heard += [(frame.topic, frame.sequence) for frame in frames if isinstance(frame, EventFrame)]
        self.unsent_bytes += len(batch.wire)
        return self.unsent_bytes

    def close(self, code: int, reason: str = "") -> None:
        self.closed_with = code

    async def carry(self) -> None:
        """Nobody must."""


class Process:
    """A runner without a broker: a client is told at once when it is its turn."""

    def __init__(self) -> None:
        self.hub = Hub([STATE, LOG])
        self.sessions = Sessions(Places(ConnectionBounds(9, 9, 9)), unsent_limit_bytes=LIMIT, tell=self.tell)

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

    def forget(self, connection_id: str) -> None:
        self.sessions.remove(connection_id)

    def ask_for_turn(self, connection_id: str) -> None:
        self.sessions.take_turn(connection_id)

    def hear_in_turn(self, hear: Callable[[], None]) -> None:
        hear()

    def start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        raise AssertionError("nobody asks for anything here")


async def test_who_is_slow_with_a_replay_hears_less_of_a_state_and_the_newest_in_the_end() -> None:
    process, wire = Process(), Wire()
    process.tell(LogOpened(LOG, HEAD, HEAD))
    process.tell(StateOpened(STATE, HEAD, Extent(HEAD + 1, HEAD + 1, HEAD)))
    process.tell(Arrived(LOG, events(LOG, HEAD + 1, HEAD + 30, size=100_000)))
    session = Session("c", wire, process, bounds=NO_FRAMES, visitor=None)
    process.sessions.add(session)
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
    assert [sequence for topic, sequence in wire.heard if topic == LOG] == list(range(HEAD + 1, HEAD + 31))
    assert len([topic for topic, _ in wire.heard if topic == STATE]) < 50
    assert (STATE, HEAD + 100) in wire.heard
