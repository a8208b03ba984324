"""The law of section 1, attacked: what a client saw plus the gaps it was told of is what was published.

Two hubs (two API processes) tail one model of a broker at different speeds; clients come, go and resume
anywhere, or ask for the newest events; reads are answered late, twice over, or not at all; events expire; streams are
lost and made anew, or come back as they were.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, rule

from pulse_radar.hub.actions import Action, Measure, Read
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Arrived, LogOpened, Overflowed, PageRead, ReadFailed, Received
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.cursor import Cursor
from pulse_radar.protocol.frames import (
    Connected,
    EventFrame,
    GapFrame,
    Ping,
    ServerFrame,
    Subscribe,
    Subscribed,
    UnknownFrame,
)
from pulse_radar.protocol.grammar import Feed
from pulse_radar.protocol.json_value import JsonValue
from pulse_radar.stream.entry import Extent, Page
from tests.hub.model_broker import ModelBroker
from tests.hub.model_process import ModelClient, ModelProcess

TOPIC = "knowledge"
LIMITS = Limits(window_events=5, window_bytes=2_000, page_events=3, page_bytes=400)


class Process(ModelProcess[Page | Extent | None]):
    """An API process with one log topic."""

    def __init__(self, broker: ModelBroker) -> None:
        super().__init__(Hub([TOPIC], LIMITS))
        self.broker = broker
        extent = broker.extent()
        self.tail = broker.tail(after=max(extent.first - 1, extent.last - LIMITS.window_events))
        self.tell(LogOpened(TOPIC, self.tail.position, extent.last))

    def read_tail(self, count: int) -> None:
        self.last_batch = self.tail.next(count)
        if self.last_batch:
            self.tell(Arrived(TOPIC, self.last_batch))

    def read_all(self) -> bool:
        self.read_tail(10)
        return self.tail.position == self.broker.extent().last

    def answer_now(self, action: Action) -> Page | Extent | None:
        match action:
            case Read(_, feed, after, limit):
                return self.broker.read(after, limit, feed.key)
            case Measure():
                return self.broker.extent()
            case _:
                return None

    def extent(self) -> Extent:
        return self.broker.extent()

    def pay_read(self, action: Action, early: Page | Extent | None, answer: str) -> None:
        match action:
            case Read(ticket) if answer == "fail":
                self.tell(ReadFailed(ticket))
            case Read(ticket, feed, after, limit) if answer == "deposed":
                self.tell(PageRead(ticket, self.broker.past.read(after, limit, feed.key)))
            case Read(ticket):
                page = early if answer == "early" else self.answer_now(action)
                assert isinstance(page, Page)
                self.tell(PageRead(ticket, page))
            case _:
                raise AssertionError(action)


class Client(ModelClient[Process]):
    """A client that follows the protocol: it keeps what it saw, the gaps it was told and its cursor."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(feed)
        # From behind this position on it must know everything: in which numbering it saw what, and what it was told of.
        self.base = 0
        self.seen: dict[int, JsonValue] = {}
        self.gaps: list[tuple[int, int]] = []
        self.was_told_of_loss = False
        # It asked for so many of the newest, and has no cursor before the first of them.
        self.wanted = 0
        # It connects with the wish for so many, wherever it knows no position.
        self.newest: int | None = None
        # It came with a cursor that this topic never gave out.
        self.is_foreign = False
        # The numbering that its cursor is of, as far as it was told.
        self.generation = 0

    def connect(self, process: Process, connection_id: str) -> None:
        missed = range(self.generation + 1, process.tail.generation + 1)
        if self.cursor is not None and not process.broker.rollbacks.isdisjoint(missed):
            # Its cursor is of numbers that were given out anew meanwhile: nobody can tell.
            self.cursor = None
        self.generation = min(self.generation, process.tail.generation)
        super().connect(process, connection_id)

    def brought(self) -> Cursor:
        newest = {} if self.newest is None else {self.feed: self.newest}
        return Cursor(super().brought().positions, newest)

    def ask_for_the_last(self, wanted: int) -> None:
        """On the connection that is open."""
        if self.process is not None and self.cursor is not None:
            self._begin(self._head(), wanted)
            self.is_live = False
            self.process.tell(Received(self.connection_id, Subscribe(self.feed, last=wanted)))

    def heed(self, frame: ServerFrame | UnknownFrame) -> None:
        match frame:
            case Connected(last_seq=last_seq):
                if self.feed not in last_seq:
                    assert self.cursor is None
                    assert self.newest is not None
                    self._begin(self._head(), self.newest)
                elif self.cursor is None:
                    self._begin(last_seq[self.feed], 0)
                    self.cursor = self.base
            case EventFrame(sequence=sequence, key=key, data=generation):
                assert self.feed.key in (None, key)
                self._move(sequence, sequence)
                self.seen[sequence] = generation
            case Ping(last_seq=last_seq):
                assert last_seq.get(self.feed, self.cursor or 0) >= (self.cursor or 0), (
                    "a ping took a cursor back"
                )
                self.cursor = last_seq.get(self.feed, self.cursor)
            case GapFrame(first=None, last=last):
                self.was_told_of_loss |= not self.is_foreign
                self._begin(last, 0)
                self.cursor = last
            case GapFrame(first=int(first), last=last):
                self._move(first, last)
                self.gaps.append((first, last))
                self.was_told_of_loss = True
            case Subscribed(sequence=sequence):
                self._move(sequence + 1, sequence)
                self.is_live = True
            case other:
                raise AssertionError(f"unexpected: {other}")

    def _head(self) -> int:
        assert self.process is not None
        position = self.process.hub.position(TOPIC)
        assert position is not None
        return position

    def _begin(self, base: int, wanted: int) -> None:
        """What it knew is void, or of no interest to it any more."""
        assert self.process is not None
        self.base, self.wanted, self.cursor = base, wanted, None
        self.generation = self.process.tail.generation
        self.seen.clear()
        self.gaps.clear()
        self.is_foreign = False

    def _move(self, first: int, last: int) -> None:
        if self.cursor is None:
            assert first > self.base - self.wanted or self.feed.key, "it is given more than it asked for"
        elif self.feed.key is None:
            assert first == self.cursor + 1, "a hole was not told, or an event came twice"
        else:
            assert last >= self.cursor, "an event came twice or out of order"
        self.cursor = last

    def check(self, broker: ModelBroker) -> None:
        if self.is_foreign:
            assert broker.kept_events <= set(self.seen), "what was kept did not come after the reset"
            return
        for number, generation in self.seen.items():
            assert broker.published.get(number, (None, None))[1] == generation, (
                "it believes what was rolled back"
            )
        mine = {
            n for n, (key, _) in broker.published.items() if n > self.base and self.feed.key in (None, key)
        }
        told = {n for first, last in self.gaps for n in mine if first <= n <= last}
        assert not told & set(self.seen), "an event was seen and told as missing"
        self.check_gaps(told, broker)
        assert mine <= set(self.seen) | told, f"missed in silence: {sorted(mine - set(self.seen) - told)}"

    def check_gaps(self, told: set[int], broker: ModelBroker) -> None:
        assert not told & broker.kept_events, "told of a gap where nothing was lost"


class Promise(RuleBasedStateMachine):
    clients = Bundle("clients")
    client_type = Client

    def __init__(self) -> None:
        super().__init__()
        self.broker = ModelBroker(TOPIC)
        self.processes = [Process(self.broker), Process(self.broker)]
        self.everyone: list[Client] = []
        self.connections = 0

    def _next_id(self) -> str:
        self.connections += 1
        return f"c{self.connections}"

    @rule(
        target=clients,
        key=st.sampled_from([None, None, "a", "b"]),
        where=st.integers(0, 1),
        newest=st.sampled_from([None, None, 0, 4]),
    )
    def connect(self, key: str | None, where: int, newest: int | None) -> Client:
        client = self.client_type(Feed(TOPIC, key))
        client.newest = newest
        self.everyone.append(client)
        # A process that is still warming up greets later; these two began with an empty topic.
        client.connect(self.processes[where], self._next_id())
        return client

    @rule(client=clients, where=st.integers(0, 1))
    def resume(self, client: Client, where: int) -> None:
        client.disconnect()
        client.connect(self.processes[where], self._next_id())

    @rule(client=clients)
    def resume_on_the_same_connection(self, client: Client) -> None:
        if client.process is not None and client.cursor is not None:
            client.process.tell(Received(client.connection_id, Subscribe(client.feed, client.cursor)))

    @rule(client=clients, last=st.integers(0, 8))
    def subscribe_to_the_last(self, client: Client, last: int) -> None:
        client.ask_for_the_last(last)

    @rule(client=clients)
    def cut(self, client: Client) -> None:
        client.disconnect()

    @rule(keys=st.lists(st.sampled_from([None, "a", "b"]), min_size=1, max_size=8))
    def publish(self, keys: list[str | None]) -> None:
        for key in keys:
            self.broker.publish(key)

    @rule(where=st.integers(0, 1), count=st.integers(1, 6))
    def tail_brings(self, where: int, count: int) -> None:
        self.processes[where].read_tail(count)

    @rule(where=st.integers(0, 1))
    def tail_brings_the_same_again(self, where: int) -> None:
        process = self.processes[where]
        if not any(entry.first is None for entry in process.last_batch):
            process.tell(Arrived(TOPIC, process.last_batch))

    @rule(
        where=st.integers(0, 1),
        index=st.integers(0, 9),
        answer=st.sampled_from(["now", "now", "early", "fail", "deposed"]),
    )
    def broker_answers(self, where: int, index: int, answer: str) -> None:
        process = self.processes[where]
        if process.owed:
            process.pay(index, answer)

    @rule()
    def a_server_is_deposed(self) -> None:
        self.broker.depose()

    @rule(where=st.integers(0, 1), seconds=st.sampled_from([0.7, 0.7, 21.0]))
    def time_passes(self, where: int, seconds: float) -> None:
        self.processes[where].pass_time(seconds)

    @rule(client=clients)
    def client_is_too_slow(self, client: Client) -> None:
        if client.process is not None:
            client.process.tell(Overflowed(client.connection_id))

    @rule(where=st.integers(0, 1), cursor=st.sampled_from([1, 999, 2_500, 10**6, 2**53 - 1]))
    def a_client_brings_a_cursor_from_elsewhere(self, where: int, cursor: int) -> None:
        """It is told that what it knew is void, and then gets everything that is kept."""
        client = self.client_type(Feed(TOPIC))
        client.cursor = cursor
        client.is_foreign = True
        self.everyone.append(client)
        client.connect(self.processes[where], self._next_id())

    @rule(count=st.integers(1, 10))
    def events_expire(self, count: int) -> None:
        self.broker.trim(count)

    @rule()
    def an_unreadable_event_is_stored(self) -> None:
        self.broker.publish_garbage()

    @rule()
    def the_stream_is_lost_and_made_anew(self) -> None:
        self.broker.recreate()

    @rule(count=st.integers(1, 10))
    def the_stream_comes_back_as_it_was(self, count: int) -> None:
        self.broker.roll_back(count)

    def teardown(self) -> None:
        for client in self.everyone:
            if client.process is None:
                client.connect(self.processes[0], self._next_id())
        for process in self.processes:
            process.settle()
        for client in self.everyone:
            assert client.is_live
            client.check(self.broker)
            assert self.broker.has_lost or not client.was_told_of_loss


TestThePromise = Promise.TestCase
TestThePromise.settings = settings(stateful_step_count=40, deadline=None)
