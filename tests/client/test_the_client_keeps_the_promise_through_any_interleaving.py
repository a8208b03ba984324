"""The laws of the hub's own tests, with the Python client's machine on the other side, and a wire that loses frames."""

from abc import abstractmethod
from collections import deque
from urllib.parse import parse_qs

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import rule

from pulse_radar.client.following import Following
from pulse_radar.hub.inputs import Received
from pulse_radar.protocol.cursor import Cursor, parse_cursor, parse_topics
from pulse_radar.protocol.frames import ClientFrame, Connected, EventFrame, Ping, ServerFrame, UnknownFrame
from pulse_radar.protocol.grammar import Feed
from tests.hub import test_state_topics_hold_their_laws_for_any_interleaving as states
from tests.hub import test_the_promise_holds_for_any_interleaving as logs
from tests.hub.model_broker import ModelBroker
from tests.hub.model_process import ModelClient, _Process


class MachineClient(ModelClient[_Process]):
    """What the machine hands on is held to the laws; what it asks for goes over the URL and frames of the wire."""

    def __init__(self, feed: Feed) -> None:
        super().__init__(feed)
        self.following: Following | None = None
        self.unsaid: deque[ClientFrame] = deque()
        # Event frames that the wire is still to lose.
        self.to_lose = 0

    @abstractmethod
    def judge(self, frame: ServerFrame | UnknownFrame) -> None:
        """Hold a frame that reached whoever follows to the laws."""

    def brought(self) -> Cursor:
        positions = {} if self.cursor is None else {self.feed: self.cursor}
        if self.following is None or self.following.positions != positions:
            self.following = Following([self.feed], None, positions)
        self.unsaid.clear()
        asked = parse_qs(self.following.query())
        feeds, _ = parse_topics(asked["topics"][0])
        cursor, refused = parse_cursor(asked.get("lastSeq", [""])[0])
        assert (feeds, refused) == ((self.feed,), ())
        return cursor

    def heed(self, frame: ServerFrame | UnknownFrame) -> None:
        assert self.following is not None
        if self.to_lose and isinstance(frame, EventFrame):
            self.to_lose -= 1
            return
        heeded = self.following.heed(frame)
        assert heeded.refusal is None
        self.unsaid.extend(heeded.replies)
        if isinstance(frame, Connected | Ping):
            self.judge(frame)
        for step in heeded.steps:
            if step.received is not None:
                self.judge(step.received)
        assert self.following.positions.get(self.feed) == self.cursor

    def speak(self) -> None:
        while self.unsaid and self.process is not None:
            self.process.tell(Received(self.connection_id, self.unsaid.popleft()))


class LogClient(MachineClient[logs.Process], logs.Client):
    def ask_for_the_last(self, wanted: int) -> None:
        """It does so where it begins and nowhere else."""

    def judge(self, frame: ServerFrame | UnknownFrame) -> None:
        logs.Client.heed(self, frame)


class LossyClient(LogClient):
    def check_gaps(self, told: set[int], broker: ModelBroker) -> None:
        """What the wire lost twice is kept, and missing all the same."""


class StateClient(MachineClient[states.Process], states.Client):
    def judge(self, frame: ServerFrame | UnknownFrame) -> None:
        states.Client.heed(self, frame)

    def check(self, map_of_stream: dict[str, int]) -> None:
        super().check(map_of_stream)
        assert self.following is not None
        assert self.following.stats().holes == 0, "a natural hole was taken for a loss"


class ClientPromise(logs.Promise):
    client_type = LogClient


class LossyPromise(ClientPromise):
    """A server, or what is between, that loses event frames of whole topics: holes are healed, or told."""

    client_type = LossyClient

    @rule(lost=st.integers(1, 3), arriving=st.integers(0, 3))
    def the_wire_loses_frames(self, lost: int, arriving: int) -> None:
        for client in self.everyone:
            assert isinstance(client, LogClient)
            if client.feed.key is None:
                client.to_lose += lost
        # What is lost twice is told as a gap.
        self.broker.has_lost = True
        self.publish([None] * (lost + arriving))
        for process in self.processes:
            process.read_tail(lost + arriving)

    def teardown(self) -> None:
        for client in self.everyone:
            assert isinstance(client, LogClient)
            client.to_lose = 0
        # A hole shows by what comes behind it.
        self.broker.publish(None)
        super().teardown()


class ClientStateLaws(states.StateLaws):
    client_type = StateClient


TestTheClientKeepsThePromise = ClientPromise.TestCase
TestTheClientKeepsThePromise.settings = settings(stateful_step_count=40, deadline=None)

TestHolesAreHealedOrTold = LossyPromise.TestCase
TestHolesAreHealedOrTold.settings = settings(stateful_step_count=40, deadline=None)

TestTheClientKeepsTheLawsOfStates = ClientStateLaws.TestCase
TestTheClientKeepsTheLawsOfStates.settings = settings(stateful_step_count=40, deadline=None)
