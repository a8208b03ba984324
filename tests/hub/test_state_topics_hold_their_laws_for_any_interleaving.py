"""The laws of state topics, attacked: per key strictly increasing; at rest everybody's map is the stream's.

Two hubs tail one model of a broker, one event at a time or by what is still kept; clients come, go, are slow
and resume anywhere, also amid a snapshot; deletions are forgotten; streams are lost and made anew.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, rule

from pulse_radar.hub.actions import Action
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Arrived, Congested, Overflowed, Received, StateOpened
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.frames import (
    Connected,
    EventFrame,
    GapFrame,
    GapReason,
    Ping,
    ServerFrame,
    SnapshotFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Extent
from tests.hub.model_process import ModelClient, ModelProcess
from tests.hub.model_state_broker import ModelStateBroker, ModelStateTail

TOPIC = "monitoring"
KEYS = ["a", "b", "c", "d", "e"]
LIMITS = Limits(page_events=2, page_bytes=300, deletions_remembered=2)


class Process(ModelProcess[Extent]):
    """An API process with one state topic."""

    def __init__(self, broker: ModelStateBroker) -> None:
        super().__init__(Hub([TOPIC], LIMITS))
        # How often the state began anew.
        self.resets = 0
        self.broker = broker
        self.tail = ModelStateTail(broker)
        self.tell(StateOpened(TOPIC, self.tail.position, broker.extent()))

    def read_tail(self, count: int, *, keeps_up: bool) -> None:
        self.last_batch = self.tail.next(count, keeps_up=keeps_up)
        self.resets += sum(entry.first is None for entry in self.last_batch)
        if self.last_batch:
            self.tell(Arrived(TOPIC, self.last_batch))

    def read_all(self) -> bool:
        self.read_tail(10, keeps_up=False)
        return self.tail.position == self.broker.last

    def answer_now(self, action: Action) -> Extent:
        return self.broker.extent()

    def extent(self) -> Extent:
        return self.broker.extent()

    def pay_read(self, action: Action, early: Extent, answer: str) -> None:
        raise AssertionError(f"a state is not read from the broker: {action}")


class Client(ModelClient[Process]):
    """A client that follows the protocol: its map of keys, and its cursor."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(feed)
        # How often it began, and where that and its process stood when it was last told to forget all.
        self.beginnings = 0
        self.forgot_at = (0, 0)
        self.map: dict[str, int] = {}
        # The newest it knows of each key, deleted ones as well, since it last forgot all.
        self.newest: dict[str, int] = {}
        self.is_greeted = self.owes_forgetting = False

    def heed(self, frame: ServerFrame | UnknownFrame) -> None:
        match frame:
            case Connected(last_seq=last_seq):
                self.is_greeted = True
                assert last_seq.get(self.feed, self.cursor) == self.cursor
                self.owes_forgetting = self.feed not in last_seq
            case SnapshotFrame(feed):
                assert feed == self.feed
                self._forget()
            case EventFrame() as event:
                self._take(event)
            case GapFrame(first=first, last=last, reason=reason):
                assert reason is GapReason.UNREADABLE, "nothing else of a state is missed"
                assert first is not None
                assert first > (self.cursor or 0), "a gap came twice"
                self._move(last)
            case Ping(last_seq=last_seq):
                self._move(last_seq.get(self.feed, self.cursor))
            case Subscribed(sequence=sequence):
                self._move(sequence)
                self.is_live = True
            case other:
                raise AssertionError(f"unexpected: {other}")

    def _forget(self) -> None:
        assert self.process is not None
        now = (self.beginnings, self.process.resets)
        assert now != self.forgot_at, "told to forget all again: it may never come to the end"
        self.forgot_at = now
        self.map.clear()
        self.newest.clear()
        self.cursor = None
        self.owes_forgetting = self.is_live = False

    def connect(self, process: Process, connection_id: str) -> None:
        self.beginnings += 1
        self.is_greeted = False
        super().connect(process, connection_id)

    def resume(self) -> None:
        """On the same connection."""
        if self.process is not None and self.cursor is not None and self.is_greeted:
            self.beginnings += 1
            self.process.tell(Received(self.connection_id, Subscribe(self.feed, self.cursor)))

    def _take(self, event: EventFrame) -> None:
        assert not self.owes_forgetting, "an event came before the snapshot that was announced"
        assert event.key is not None
        assert self.feed.key in (None, event.key)
        assert event.sequence > self.newest.get(event.key, 0), "a key went back, or came twice"
        assert event.sequence > (self.cursor or 0), "out of the order of sequences"
        self.newest[event.key] = self.cursor = event.sequence
        if event.deleted:
            self.map.pop(event.key, None)
        else:
            self.map[event.key] = event.sequence

    def _move(self, cursor: int | None) -> None:
        assert self.cursor is None or (cursor is not None and cursor >= self.cursor), "the cursor went back"
        self.cursor = cursor

    def check(self, map_of_stream: dict[str, int]) -> None:
        mine = {key: number for key, number in map_of_stream.items() if self.feed.key in (None, key)}
        assert self.is_live
        assert self.map == mine


class StateLaws(RuleBasedStateMachine):
    clients = Bundle("clients")
    client_type = Client

    def __init__(self) -> None:
        super().__init__()
        self.everyone: list[Client] = []
        self.connections = 0

    @initialize(origin=st.sampled_from([1, 1_000]))
    def begin(self, origin: int) -> None:
        self.broker = ModelStateBroker(TOPIC, origin)
        self.processes = [Process(self.broker), Process(self.broker)]

    def _next_id(self) -> str:
        self.connections += 1
        return f"c{self.connections}"

    @rule(target=clients, key=st.sampled_from([None, None, "a", "b"]), where=st.integers(0, 1))
    def connect(self, key: str | None, where: int) -> Client:
        client = self.client_type(Feed(TOPIC, key))
        self.everyone.append(client)
        client.connect(self.processes[where], self._next_id())
        return client

    @rule(client=clients, where=st.integers(0, 1))
    def resume(self, client: Client, where: int) -> None:
        client.disconnect()
        client.connect(self.processes[where], self._next_id())

    @rule(client=clients)
    def resume_on_the_same_connection(self, client: Client) -> None:
        client.resume()

    @rule(client=clients)
    def cut(self, client: Client) -> None:
        client.disconnect()

    @rule(keys=st.lists(st.sampled_from(KEYS), min_size=1, max_size=8))
    def publish(self, keys: list[str]) -> None:
        for key in keys:
            self.broker.publish(key)

    @rule(key=st.sampled_from(KEYS))
    def delete(self, key: str) -> None:
        self.broker.publish(key, is_deletion=True)

    @rule()
    def an_unreadable_event_is_stored(self) -> None:
        self.broker.publish_garbage()

    @rule()
    def a_deletion_is_forgotten(self) -> None:
        self.broker.forget_oldest_deletion()

    @rule(where=st.integers(0, 1), count=st.integers(1, 6), keeps_up=st.booleans())
    def tail_brings(self, where: int, count: int, keeps_up: bool) -> None:
        self.processes[where].read_tail(count, keeps_up=keeps_up)

    @rule(where=st.integers(0, 1))
    def tail_brings_the_same_again(self, where: int) -> None:
        process = self.processes[where]
        again = tuple(e for e in process.last_batch if e.first is not None)
        if again:
            process.tell(Arrived(TOPIC, again))

    @rule(where=st.integers(0, 1), index=st.integers(0, 9), answer=st.sampled_from(["now", "early", "fail"]))
    def broker_answers(self, where: int, index: int, answer: str) -> None:
        process = self.processes[where]
        if process.owed:
            process.pay(index, answer)

    @rule(where=st.integers(0, 1), seconds=st.sampled_from([0.7, 0.7, 21.0]))
    def time_passes(self, where: int, seconds: float) -> None:
        self.processes[where].pass_time(seconds)

    @rule(client=clients)
    def client_is_slow(self, client: Client) -> None:
        if client.process is not None:
            client.process.tell(Congested(client.connection_id))

    @rule(client=clients)
    def client_is_too_slow(self, client: Client) -> None:
        if client.process is not None:
            client.process.tell(Overflowed(client.connection_id))

    @rule(where=st.integers(0, 1), cursor=st.sampled_from([1, 999, 2_500, 10**6, 2**53 - 1]))
    def a_client_brings_a_cursor_from_elsewhere(self, where: int, cursor: int) -> None:
        """It believes things that never were, and is told to forget them."""
        client = self.client_type(Feed(TOPIC))
        client.cursor = cursor
        client.map = {"never": cursor}
        self.everyone.append(client)
        # Only what no process of this stream can have given out is certain to be recognised.
        if not self.broker.origin - 1 <= cursor <= self.broker.last + 10_000:
            client.connect(self.processes[where], self._next_id())
        else:
            self.everyone.remove(client)

    @rule()
    def the_stream_is_lost_and_made_anew(self) -> None:
        self.broker.recreate()

    def teardown(self) -> None:
        for client in self.everyone:
            if client.process is None:
                client.connect(self.processes[0], self._next_id())
        for process in self.processes:
            process.settle()
        for client in self.everyone:
            client.check(self.broker.map)


TestTheLaws = StateLaws.TestCase
TestTheLaws.settings = settings(stateful_step_count=40, deadline=None)
