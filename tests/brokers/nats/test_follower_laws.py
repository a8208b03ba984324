"""The laws of the follower, attacked: any interleaving of publishing, losses, answers and a mended stream."""

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from hypothesis.strategies import booleans, integers

from pulse_radar.stream.entry import Entry, Gap, StoredEvent
from tests.brokers.nats.model_server import ModelServer, Reader


class FollowerMachine(RuleBasedStateMachine):
    @initialize(
        published=integers(0, 5),
        behind=integers(-3, 8),
        from_the_start=booleans(),
        may_mend=booleans(),
        room=integers(1, 9),
    )
    def begin(self, published: int, behind: int, from_the_start: bool, may_mend: bool, room: int) -> None:
        self.server = ModelServer()
        for _ in range(published):
            self.server.publish()
        self.after = 0 if from_the_start else self.server.last - behind
        self.may_mend = may_mend
        # Then nothing is erased or lost until it was noticed: the one event that shows it must be there.
        self.is_set_back = False
        self.reader = Reader(self.server, self.after, may_mend=may_mend, room=room)

    @rule(count=integers(1, 4), readable=booleans())
    def publish(self, count: int, readable: bool) -> None:
        if self.server.exists:
            for _ in range(count):
                self.server.publish(readable=readable)

    @rule(limit=integers(2, 4), hidden=integers(0, 2))
    def ask(self, limit: int, hidden: int) -> None:
        if self.reader.asked is None:
            self.reader.ask(limit, hidden)

    @rule()
    def hear_answer(self) -> None:
        self.reader.hear_answer()

    @rule(limit=integers(2, 4), count=integers(1, 6))
    def ask_and_hear(self, limit: int, count: int) -> None:
        for _ in range(count):
            self.reader.hear_answer()
            self.reader.ask(limit)

    @rule(count=integers(0, 3))
    def come_to_rest(self, count: int) -> None:
        """Most trouble is trouble only for somebody who was live."""
        if self.server.exists:
            for _ in range(count):
                self.server.publish()
            self.reader.settle()
            self.check()
            self.is_set_back = False

    @rule()
    def lose_answer(self) -> None:
        self.reader.lose_answer()

    @rule(count=integers(1, 6))
    def hear_announcements(self, count: int) -> None:
        self.reader.hear_announcements(count)

    @rule(published=integers(0, 3), lost=integers(1, 4))
    @precondition(lambda self: not self.is_set_back)
    def lose_announcements(self, published: int, lost: int) -> None:
        self.publish(published, readable=True)
        del self.server.announcements[-lost:]

    @rule()
    def reconnect(self) -> None:
        self.reader.reconnect()

    @rule(count=integers(1, 8))
    def trim(self, count: int) -> None:
        self.server.trim(count)

    @rule(published=integers(0, 3), below_newest=integers(0, 3))
    @precondition(lambda self: not self.is_set_back)
    def erase(self, published: int, below_newest: int) -> None:
        self.publish(published, readable=True)
        self.server.erase(below_newest)

    @rule(really=integers(0, 3))
    def delete(self, really: int) -> None:
        # A stream that is gone most of the time teaches little.
        self.server.exists = really < 3

    @rule(published=integers(0, 3))
    def recreate(self, published: int) -> None:
        self.server.create()
        for _ in range(published):
            self.server.publish()

    @rule(count=integers(1, 4), published=integers(0, 6), restored=booleans())
    @precondition(lambda self: self.server.exists and self._has_seen_an_event())
    def go_back(self, count: int, published: int, restored: bool) -> None:
        """A restart sets a stream back and costs the connection; a restore leaves it to who is live.

        Who has seen no event yet cannot tell one history from another that is as long.
        """
        self.is_set_back = True
        if restored:
            self.reader.settle()
        self.server.go_back(count)
        self.publish(published, readable=True)
        if restored:
            self.reader.hear_announcements(published)
        else:
            self.reader.reconnect()

    def teardown(self) -> None:
        if not hasattr(self, "reader"):
            return
        if not self.server.exists and not self.may_mend:
            self.server.create()
        self.reader.settle()
        self.check()

    def check(self) -> None:
        self._check_line()
        self._check_rest()

    def _has_seen_an_event(self) -> bool:
        return any(isinstance(entry, StoredEvent) for entry in _since_reset(self.reader.delivered))

    def _check_line(self) -> None:
        """What was delivered is an unbroken line of things that were stored, or holes that were told."""
        cursor = self.after
        for entry in self.reader.delivered:
            if entry.first is not None and cursor != 0:
                assert entry.first == cursor + 1, f"{entry} after {cursor}"
            assert entry in self.server.ever or isinstance(entry, Gap)
            cursor = entry.last
        numbers = [entry.last for entry in self.reader.delivered if isinstance(entry, StoredEvent)]
        assert len(set(numbers)) == len(numbers) or not self.may_mend, "a number was used twice"

    def _check_rest(self) -> None:
        """At rest everything that is kept was seen, or lies in a told hole."""
        assert self.reader.follower.position == self.server.last
        since = _since_reset(self.reader.delivered)
        seen = {entry.last: entry for entry in since}
        start = since[0].last if since and since[0].first is None else self.after
        for number, entry in self.server.stored.items():
            if number > start:
                assert seen.get(number) == entry or _is_told(number, since)


def _since_reset(line: list[Entry]) -> list[Entry]:
    resets = [index for index, entry in enumerate(line) if entry.first is None]
    return line[resets[-1] :] if resets else line


def _is_told(number: int, line: list[Entry]) -> bool:
    gaps = (entry for entry in line if isinstance(entry, Gap) and entry.first is not None)
    return any(gap.first is not None and gap.first <= number <= gap.last for gap in gaps)


TestFollower = FollowerMachine.TestCase
TestFollower.settings = settings(max_examples=80, stateful_step_count=40, derandomize=True, deadline=None)
