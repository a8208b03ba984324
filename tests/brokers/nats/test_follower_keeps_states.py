"""The law of a state topic, attacked: at rest who follows believes what the stream holds, however it came there."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.strategies import booleans, integers, sampled_from

from pulse_radar.brokers.nats.steps import Sight
from pulse_radar.stream.entry import Extent, StoredEvent
from pulse_radar.testing.broker_contract.state import StateReader
from tests.brokers.nats.model_server import ModelServer, Reader

KEYS = "abcd"


class StateServer(ModelServer):
    """A stream that keeps the newest event of each key, and forgets its oldest deletions."""

    def create(self) -> None:
        super().create()
        self.horizon = self.origin - 1

    def change(self, key: str, *, is_deletion: bool) -> None:
        self.last += 1
        event = StoredEvent(self.last, key, b"%d" % self.last, is_deletion)
        self.stored = {
            n: e for n, e in self.stored.items() if not (isinstance(e, StoredEvent) and e.key == key)
        }
        self.stored[self.last] = event
        self.announcements.append(event)

    def forget(self) -> None:
        """The oldest deletion, and that it was one."""
        deletions = (n for n, e in self.stored.items() if isinstance(e, StoredEvent) and e.is_deletion)
        oldest = min(deletions, default=None)
        if oldest is not None:
            del self.stored[oldest]
            self.horizon = oldest

    def purge(self, keys: str) -> None:
        """Remove what it holds of these keys, as a person does whom nobody hears."""
        self.stored = {
            n: e for n, e in self.stored.items() if not (isinstance(e, StoredEvent) and (e.key or "") in keys)
        }

    @property
    def map(self) -> dict[str, int]:
        events = (entry for entry in self.stored.values() if isinstance(entry, StoredEvent))
        return {event.key: event.sequence for event in events if event.key and not event.is_deletion}

    def sight(self) -> Sight:
        extent = Extent(self.origin, self.horizon + 1, self.last)
        return Sight((str(self.creations), self.origin), extent, is_state=True, messages=len(self.stored))


class StateMachine(RuleBasedStateMachine):
    @initialize(keys=integers(0, 8), start=sampled_from(["nothing", "all", "another"]), room=integers(1, 9))
    def begin(self, keys: int, start: str, room: int) -> None:
        self.server = StateServer()
        for number in range(keys):
            self.server.change(KEYS[number % len(KEYS)], is_deletion=number % 3 == 2)
        # They have nothing, all there is, or a position of another stream.
        after = {"nothing": 0, "all": self.server.last, "another": self.server.last + 1_000_000}[start]
        self.believed = StateReader()
        self.believed.map = self.server.map if start == "all" else {}
        self.reader = Reader(self.server, after, may_mend=True, room=room)
        self.taken = 0

    @rule(key=sampled_from(KEYS), is_deletion=booleans())
    @precondition(lambda self: self.server.exists)
    def change(self, key: str, is_deletion: bool) -> None:
        self.server.change(key, is_deletion=is_deletion)

    @rule()
    def forget(self) -> None:
        self.server.forget()

    @rule(key=sampled_from(KEYS), later=integers(0, 2))
    @precondition(lambda self: self.server.exists)
    def miss_a_deletion(self, key: str, later: int) -> None:
        """It comes, is not heard, and is forgotten; something else may come after it."""
        self.server.change(key, is_deletion=True)
        for other in KEYS[:later]:
            self.server.change(other, is_deletion=False)
        for _ in KEYS:
            self.server.forget()
        self.server.announcements.clear()

    @rule(keys=sampled_from([KEYS, *KEYS]))
    def purge(self, keys: str) -> None:
        self.server.purge(keys)

    @rule(limit=integers(2, 4), hidden=integers(0, 2))
    @precondition(lambda self: self.reader.asked is None)
    def ask(self, limit: int, hidden: int) -> None:
        self.reader.ask(limit, hidden)

    @rule()
    def hear_answer(self) -> None:
        self.reader.hear_answer()

    @rule(limit=integers(2, 4), count=integers(1, 6))
    def ask_and_hear(self, limit: int, count: int) -> None:
        for _ in range(count):
            self.reader.hear_answer()
            self.reader.ask(limit)

    @rule(count=integers(1, 6))
    def hear_announcements(self, count: int) -> None:
        self.reader.hear_announcements(count)

    @rule(lost=integers(1, 4))
    def lose_announcements(self, lost: int) -> None:
        del self.server.announcements[-lost:]

    @rule()
    def lose_answer(self) -> None:
        self.reader.lose_answer()

    @rule()
    def reconnect(self) -> None:
        self.reader.reconnect()

    @rule(really=integers(0, 3))
    def delete(self, really: int) -> None:
        # A stream that is gone most of the time teaches little.
        self.server.exists = really < 3

    @rule(keys=integers(0, 3))
    def recreate(self, keys: int) -> None:
        self.server.create()
        for key in KEYS[:keys]:
            self.server.change(key, is_deletion=False)

    @rule()
    @precondition(lambda self: self.server.exists)
    def come_to_rest(self) -> None:
        self.reader.settle()
        self.check()

    def teardown(self) -> None:
        if hasattr(self, "reader"):
            if not self.server.exists:
                self.server.create()
            self.reader.settle()
            self.check()

    def check(self) -> None:
        self.believed.take(self.reader.delivered[self.taken :])
        self.taken = len(self.reader.delivered)
        assert self.believed.map == self.server.map


TestStates = StateMachine.TestCase
TestStates.settings = settings(max_examples=80, stateful_step_count=40, derandomize=True, deadline=None)
