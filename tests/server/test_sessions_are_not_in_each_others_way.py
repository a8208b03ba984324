"""The clients of a process: what goes wrong with one wire ends one client."""

from contextlib import ExitStack

from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Closed, Congested, Input, Misbehaved, Overflowed
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.server.session import Session
from pulse_radar.server.sessions import Sessions
from pulse_radar.server.transport import CONGESTED_BYTES, Batch, Listener

LIMIT = 1_000_000

# Asked of nothing: no frame comes.
HUB = Hub(())


class Wire:
    """A transport of which a test says how much is unsent, and whether it works."""

    def __init__(self, *, unsent_bytes: int = 0, is_broken: bool = False) -> None:
        self.unsent_bytes = unsent_bytes
        self.written: list[bytes] = []
        self._is_broken = is_broken

    def listen(self, listener: Listener) -> None:
        """Nothing comes from here."""

    def write(self, batch: Batch) -> None:
        if self._is_broken:
            raise ValueError("a wire of a later version")
        self.written += batch.texts

    def close(self, code: int, reason: str = "") -> None:
        """It is told by the hub."""

    async def wait_closed(self) -> None:
        """It never is."""


def told_of(*wires: Wire) -> list[Input]:
    """What is told when a batch is written to clients on these wires, named by their places."""
    told: list[Input] = []
    sessions = Sessions(unsent_limit_bytes=LIMIT, tell=told.append)
    names = [str(place) for place in range(len(wires))]
    with ExitStack() as connected:
        for name, wire in zip(names, wires, strict=True):
            session = Session(name, wire, told.append, max_frame_bytes=1_000, hub=HUB, visitor=None)
            connected.enter_context(sessions.with_one_more(session))
        sessions.send([*names, "gone"], Batch([b"{}"]))
        return list(told)


def test_one_that_cannot_be_written_to_ends_and_the_others_are_served() -> None:
    before, broken, after = Wire(), Wire(is_broken=True), Wire()
    [ended] = told_of(before, broken, after)
    assert isinstance(ended, Misbehaved)
    assert (ended.connection_id, ended.code) == ("1", CloseCode.INTERNAL_ERROR)
    assert before.written == after.written == [b"{}"]


def test_a_slow_one_is_told_of_and_one_that_is_too_slow() -> None:
    slow, too_slow = Wire(unsent_bytes=CONGESTED_BYTES + 1), Wire(unsent_bytes=LIMIT + 1)
    assert told_of(slow, too_slow, Wire(unsent_bytes=CONGESTED_BYTES)) == [Congested("0"), Overflowed("1")]


def test_one_that_leaves_is_told_of_and_no_longer_there() -> None:
    told: list[Input] = []
    sessions = Sessions(unsent_limit_bytes=LIMIT, tell=told.append)
    wire = Wire(unsent_bytes=7)
    with sessions.with_one_more(
        Session("a", wire, told.append, max_frame_bytes=1_000, hub=HUB, visitor=None)
    ):
        assert (len(sessions), sessions.most_unsent_bytes) == (1, 7)
    assert told == [Closed("a")]
    assert (len(sessions), sessions.most_unsent_bytes) == (0, 0)
    sessions.send(["a"], Batch([b"{}"]))
    assert wire.written == []
