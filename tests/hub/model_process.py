"""What the attacks on the hub share: a process that owes its hub answers, a client that comes and goes."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, Self, TypeVar

from pulse_radar.hub.actions import Action, AwaitWritable, Close, Measure, Send
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Closed, Input, Measured, Opened, Received, Ticked, Writable
from pulse_radar.protocol.codec import decode_server
from pulse_radar.protocol.cursor import Cursor
from pulse_radar.protocol.frames import ServerFrame, Subscribe, UnknownFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.stream.entry import Entry, Extent

__all__ = ["ModelClient", "ModelProcess"]

_Answer = TypeVar("_Answer")


class ModelProcess(ABC, Generic[_Answer]):
    """One API process: a hub, and what it still owes to it, with the answer as it would have been at once."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.now = 0.0
        self.clients: dict[str, ModelClient[Self]] = {}
        self.owed: list[tuple[Action, _Answer]] = []
        self.last_batch: tuple[Entry, ...] = ()

    @abstractmethod
    def answer_now(self, action: Action) -> _Answer:
        """What the broker would say to this at this moment."""

    @abstractmethod
    def extent(self) -> Extent:
        """How far the broker reaches now."""

    @abstractmethod
    def pay_read(self, action: Action, early: _Answer, answer: str) -> None:
        """Answer a wish for history."""

    @abstractmethod
    def read_all(self) -> bool:
        """Take a good piece of what the tail has; whether that was all."""

    def tell(self, told: Input) -> None:
        closed: list[str] = []
        for action in self.hub.handle(told, self.now):
            match action:
                case Send(connections, texts):
                    for connection_id in connections:
                        self.clients[connection_id].receive(texts)
                case Close(connection_id):
                    closed.append(connection_id)
                case _:
                    self.owed.append((action, self.answer_now(action)))
        for connection_id in closed:
            self.clients[connection_id].disconnect()
        for client in tuple(self.clients.values()):
            client.speak()

    def pay(self, index: int, answer: str = "now") -> None:
        """Answer one of the hub's wishes: as things are now, as they were when it asked, or not."""
        action, early = self.owed.pop(index % len(self.owed))
        match action:
            case AwaitWritable(connection_id):
                self.tell(Writable(connection_id))
            case Measure(topic) if answer == "fail":
                self.tell(Measured(topic, None))
            case Measure(topic):
                extent = early if answer == "early" else self.extent()
                assert isinstance(extent, Extent)
                self.tell(Measured(topic, extent))
            case _:
                self.pay_read(action, early, answer)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for client in tuple(self.clients.values()):
            self.tell(Received(client.connection_id, Subscribe(client.feed)))  # a sign of life, and harmless
        self.tell(Ticked(0))

    def settle(self) -> None:
        """Until everything that can happen by itself has happened."""
        for _ in range(2_000):
            has_all = self.read_all()
            if self.owed:
                self.pay(0)
            elif has_all and self.hub.is_current and self.hub.stats().subscriptions_catching_up == 0:
                # Whoever waits to be greeted is, when the hub is current.
                return
            else:
                self.pass_time(0.6)
        raise AssertionError(f"never came to rest: {self.hub!r} {self.hub.stats()}")


_Process = TypeVar("_Process", bound=ModelProcess)  # type: ignore[type-arg]  # of whatever answers


class ModelClient(ABC, Generic[_Process]):
    """A client that follows one feed, and keeps its cursor over connections."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.connection_id = ""
        self.process: _Process | None = None
        self.cursor: int | None = None
        self.is_live = False

    @abstractmethod
    def heed(self, frame: ServerFrame | UnknownFrame) -> None:
        """This frame came."""

    def speak(self) -> None:
        """Say what it has to say. Most have nothing."""

    def receive(self, texts: Sequence[bytes]) -> None:
        for text in texts:
            self.heed(decode_server(text))

    def connect(self, process: _Process, connection_id: str) -> None:
        self.process, self.connection_id = process, connection_id
        self.is_live = False
        process.clients[connection_id] = self
        process.tell(Opened(connection_id, (self.feed,), self.brought()))

    def brought(self) -> Cursor:
        """What it comes with."""
        return Cursor({} if self.cursor is None else {self.feed: self.cursor})

    def disconnect(self) -> None:
        if self.process is not None:
            process, self.process = self.process, None
            del process.clients[self.connection_id]
            process.tell(Closed(self.connection_id))
