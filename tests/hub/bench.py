"""A hub on a bench: told things by hand, on a clock that a test turns, its actions laid out for reading."""

from collections import defaultdict

from pulse_radar.hub.actions import Action, AwaitWritable, Close, Measure, Read, Send
from pulse_radar.hub.hub import Hub
from pulse_radar.hub.inputs import Arrived, Input, LogOpened, Opened, Received, Ticked, Writable
from pulse_radar.hub.limits import Limits
from pulse_radar.protocol.codec import (
    DELETION,
    decode_body,
    decode_server,
    encode_body,
    encode_event,
    kind_of,
)
from pulse_radar.protocol.cursor import parse_cursor, parse_topics
from pulse_radar.protocol.frames import (
    AuthAccepted,
    ClientFrame,
    Connected,
    ErrorFrame,
    EventFrame,
    GapFrame,
    Ping,
    Pong,
    ServerFrame,
    SnapshotFrame,
    Subscribed,
    UnknownFrame,
    Unsubscribed,
)
from pulse_radar.stream.entry import Entry, StoredEvent

__all__ = ["HEAD", "WALL_MS", "Bench", "deletion", "event", "events"]

# Where topics stand when a bench is set up.
HEAD = 1_000

WALL_MS = 1_703_750_400_000


class Bench:
    """A hub whose topics are current at `HEAD`, unless `start` says where their windows begin."""

    def __init__(
        self,
        *topics: str,
        limits: Limits = Limits(),  # noqa: B008 (frozen)
        start: int = HEAD,
        head: int = HEAD,
        is_begun: bool = True,
    ) -> None:
        self.hub = Hub(topics, limits)
        self.now = 0.0
        self.closed: dict[str, tuple[int, str]] = {}
        # What the hub wants of the broker and of transports, until a test answers.
        self.reads: list[Read] = []
        self.measures: list[str] = []
        self.awaited: list[str] = []
        # How many writes there were, of one or more frames to one or more connections.
        self.writes = 0
        # The most events that were handed out within one turn, to all clients together.
        self.most_events = 0
        self._frames: defaultdict[str, list[ServerFrame | UnknownFrame]] = defaultdict(list)
        # Bytes sent to each connection in one turn or another since they were last asked for.
        self._bytes: defaultdict[str, int] = defaultdict(int)
        self._start, self._head = start, head
        if is_begun:
            self.begin()

    def begin(self) -> None:
        """The tails of all topics begin."""
        for topic in self.hub.topics:
            self.tell(LogOpened(topic, self._start, self._head))

    def tell(self, told: Input) -> None:
        """Give the hub a fact at this moment."""
        actions = self.hub.handle(told, self.now)
        for action in actions:
            self._note(action)
        self.most_events = max(self.most_events, sum(map(_events_in, actions)))

    def _note(self, action: Action) -> None:
        match action:
            case Send(connections, texts):
                self.writes += 1
                for connection_id in connections:
                    assert connection_id not in self.closed, "written to after its close"
                    self._frames[connection_id] += map(decode_server, texts)
                    self._bytes[connection_id] += sum(map(len, texts))
            case Close(connection_id, code, reason):
                assert connection_id not in self.closed, "closed twice"
                self.closed[connection_id] = (code, reason)
            case Read():
                self.reads.append(action)
            case Measure(topic):
                self.measures.append(topic)
            case AwaitWritable(connection_id):
                assert connection_id not in self.awaited, "awaited twice"
                self.awaited.append(connection_id)

    # Time.

    def tick(self, *, now: float) -> None:
        """It is now so late; whatever was due by then has been woken on time."""
        while self.hub.deadline is not None and self.hub.deadline <= now:
            self.now = max(self.now, self.hub.deadline)
            self.tell(Ticked(WALL_MS))
        self.now = now

    # Clients.

    def connect(self, topics: str, last_seq: str = "", connection_id: str = "c", last: str = "") -> None:
        """A client comes with this query."""
        feeds, refused_topics = parse_topics(topics)
        cursor, refused_cursors = parse_cursor(last_seq, last)
        self.tell(Opened(connection_id, feeds, cursor, refused_topics + refused_cursors))

    def say(self, frame: ClientFrame | UnknownFrame, connection_id: str = "c") -> None:
        """A client says this."""
        self.tell(Received(connection_id, frame))

    def written(self, *connection_ids: str) -> None:
        """What is awaited to be written to these is, or to all."""
        for connection_id in connection_ids or tuple(self.awaited):
            self.awaited.remove(connection_id)
            self.tell(Writable(connection_id))

    def frames(self, connection_id: str = "c") -> list[ServerFrame | UnknownFrame]:
        """The frames that a client got since this was last asked."""
        return self._frames.pop(connection_id, [])

    def heard(self, connection_id: str = "c") -> list[str]:
        """The same in a word each: `knowledge:1001` for an event, `live at 1001`, `gap 5-9 expired`."""
        return [_word(frame) for frame in self.frames(connection_id)]

    def bytes(self, connection_id: str = "c") -> int:
        """How much a client got since this was last asked."""
        return self._bytes.pop(connection_id, 0)

    # Brokers.

    def arrive(self, topic: str, *entries: Entry) -> None:
        """The tail brings these entries."""
        self.tell(Arrived(topic, entries))


def event(topic: str, sequence: int, key: str | None = None, *, size: int = 0) -> StoredEvent:
    body = decode_body(encode_body("happened", b'"' + b"x" * size + b'"'))
    return StoredEvent(sequence, key, encode_event(topic, sequence, body, key=key))


def deletion(topic: str, sequence: int, key: str) -> StoredEvent:
    text = encode_event(topic, sequence, DELETION, key=key, deleted=True)
    return StoredEvent(sequence, key, text, is_deletion=True)


def events(topic: str, first: int, last: int, *, size: int = 0) -> tuple[StoredEvent, ...]:
    return tuple(event(topic, sequence, size=size) for sequence in range(first, last + 1))


def _events_in(action: Action) -> int:
    if not isinstance(action, Send):
        return 0
    return len(action.connections) * sum(kind_of(text) is None for text in action.texts)


def _word(frame: ServerFrame | UnknownFrame) -> str:
    match frame:
        case Connected(_, topics, last_seq):
            return "connected " + ",".join(f"{feed}:{last_seq.get(feed, 'none')}" for feed in topics)
        case EventFrame(topic, _, _, sequence, key, deleted=deleted):
            word = f"{topic}:{sequence}" if key is None else f"{topic}/{key}:{sequence}"
            return f"{word} deleted" if deleted else word
        case SnapshotFrame(feed):
            return f"{feed} snapshot"
        case Subscribed(feed, sequence, replayed):
            return f"{feed} live at {sequence} after {replayed}"
        case Unsubscribed(feed):
            return f"{feed} left"
        case GapFrame(feed, first, last, reason):
            return f"{feed} gap {first}-{last} {reason.value}"
        case ErrorFrame(code, _, topic):
            return f"{code} {topic}"
        case AuthAccepted(expires_at, expires_in):
            return f"authenticated until {expires_at}" + (f", for {expires_in} s" if expires_at else "")
        case Ping(_, last_seq):
            return "ping" + "".join(f" {feed}:{sequence}" for feed, sequence in last_seq.items())
        case Pong(timestamp_ms):
            return f"pong {timestamp_ms}"
        case _:
            return repr(frame)
