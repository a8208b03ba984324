"""A server of one stream and one connection, as a model: what a follower's steps meet, without any I/O."""

from collections.abc import Callable

from pulse_radar.brokers.nats.follower import Follower
from pulse_radar.brokers.nats.steps import Deliver, Fill, Recreate, Renumber, Sight, Step, Verify, Wait
from pulse_radar.protocol.frames import GapReason
from pulse_radar.stream.entry import Entry, Extent, Gap, StoredEvent

__all__ = ["ModelServer", "Reader"]


class ModelServer:
    """A stream that can be published to, trimmed, erased from, lost, made anew and set back."""

    def __init__(self) -> None:
        self.clock = 1_000
        self.creations = 0
        self.ever: set[Entry] = set()
        self.announcements: list[Entry] = []
        self.exists = False
        self.create()

    def create(self) -> None:
        self.clock += 1_000
        self.creations += 1
        self.exists = True
        self.origin = self.clock
        self.last = self.origin - 1
        self.stored: dict[int, Entry] = {}
        self.announcements.clear()

    @property
    def first(self) -> int:
        """The oldest that is stored; of an empty stream the next that will be."""
        return min(self.stored, default=self.last + 1)

    def publish(self, *, readable: bool = True) -> None:
        self.last += 1
        entry: Entry = Gap(self.last, self.last, GapReason.UNREADABLE)
        if readable:
            # No two events are alike: the clock is in each.
            self.clock += 1
            entry = StoredEvent(self.last, None, b"%d" % self.clock)
        self.stored[self.last] = entry
        self.ever.add(entry)
        self.announcements.append(entry)

    def trim(self, count: int) -> None:
        first = self.first + count
        self.stored = {number: entry for number, entry in self.stored.items() if number >= first}

    def erase(self, below_newest: int) -> None:
        """Remove one event from the middle or the end; the numbering goes on."""
        self.stored.pop(self.last - below_newest, None)

    def go_back(self, count: int) -> None:
        """Forget the newest: their numbers will be used again."""
        self.last = max(self.origin - 1, self.last - count)
        self.stored = {number: entry for number, entry in self.stored.items() if number <= self.last}

    def renumber(self, asked: Renumber) -> None:
        if self.exists and self.sight().identity == asked.identity:
            self.clock += 1_000
            self.origin = max(self.clock, asked.above + 1)
            self.last = self.origin - 1
            self.stored.clear()

    def sight(self) -> Sight:
        return Sight((str(self.creations), self.origin), Extent(self.origin, self.first, self.last))

    def batch(self, first: int, limit: int, hidden: int) -> tuple[list[Entry], bool]:
        """Stored entries from `first` on, from a replica that has not heard of the `hidden` newest."""
        known = [self.stored[n] for n in sorted(self.stored) if first <= n <= self.last - hidden]
        return known[:limit], len(known) <= limit

    def proven_batch(self, asked: Fill, limit: int, hidden: int) -> tuple[list[Entry], bool]:
        """A batch whose end the leader confirms: what the replica lacks, the leader has."""
        found, is_end = self.batch(asked.first, limit, hidden)
        end = found[-1].last if found else asked.first - 1
        following = [self.stored[n] for n in sorted(self.stored) if n > end][:1]
        if is_end and end < asked.reach and following:
            return found + following, False
        return found, is_end


class Reader:
    """Performs a follower's steps on a model server, one half at a time, and keeps what it delivers."""

    def __init__(self, server: ModelServer, after: int, *, may_mend: bool, room: int = 100) -> None:
        self.server = server
        self.follower = Follower(after, may_mend=may_mend, room_events=room)
        self.now = 0.0
        self.delivered: list[Entry] = []
        self.asked: Step | None = None
        self._answer: Callable[[], None] | None = None

    def ask(self, limit: int = 3, hidden: int = 0) -> None:
        """Take the next step up to where the server has answered and the answer is on its way."""
        step = self.follower.next(self.now)
        match step:
            case Deliver(entries):
                self.delivered.extend(entries)
            case Wait(until):
                self.now = until or self.now
            case _:
                self.asked = step
                self._answer = self._serve(step, limit, hidden)

    def hear_answer(self) -> None:
        answer, self._answer, self.asked = self._answer, None, None
        if answer is not None:
            answer()

    def lose_answer(self) -> None:
        if self._answer is not None:
            self._answer = self.asked = None
            self.follower.failed(self.now)

    def hear_announcements(self, count: int) -> None:
        heard, self.server.announcements[:count] = self.server.announcements[:count], []
        for entry in heard:
            self.follower.announced(entry)

    def reconnect(self) -> None:
        self.server.announcements.clear()
        self.lose_answer()
        self.follower.reconnected()

    def settle(self) -> None:
        """Let it do all that is to be done until it only polls."""
        polls = 0
        for _ in range(400):
            self.hear_announcements(len(self.server.announcements))
            self.hear_answer()
            was = len(self.delivered), self.follower.position
            self.ask(limit=100)
            if isinstance(self.asked, Verify):
                polls = polls + 1 if (len(self.delivered), self.follower.position) == was else 0
            if polls > 3 * 6:
                return
        raise AssertionError(f"never at rest: {self.follower!r}")

    def _serve(self, step: Step, limit: int, hidden: int) -> Callable[[], None]:
        server, follower = self.server, self.follower
        if isinstance(step, Recreate):
            if not server.exists:
                server.create()
            return lambda: follower.mended(self.now)
        if isinstance(step, Renumber):
            server.renumber(step)
            return lambda: follower.mended(self.now)
        if not server.exists:
            return lambda: follower.missing(self.now)
        if isinstance(step, Fill):
            found, is_end = server.proven_batch(step, limit, hidden)
            return lambda: follower.filled(found, self.now, is_end=is_end)
        assert isinstance(step, Verify)
        sight = server.sight()
        return lambda: follower.verified(step, sight, self.now)
