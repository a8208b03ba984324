"""One client session as the hub sees it, and when it is due for a ping or a farewell."""

import math

from pulse_radar.hub.inputs import Opened, Renewed
from pulse_radar.hub.states import ConnectionState, ConnectionTurn, turn_connection
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.cursor import Cursor
from pulse_radar.protocol.frames import ClientFrame, Subscribe, UnknownFrame
from pulse_radar.protocol.grammar import Feed

__all__ = ["Connection"]


class Connection:
    """A client session: its state, its subscriptions, its last sign of life."""

    __slots__ = (
        "asked",
        "congested",
        "cursor",
        "deadline",
        "early",
        "expires_at",
        "heard_at",
        "id",
        "leaves_at",
        "opened_at",
        "ping_due",
        "read_bytes",
        "refused",
        "state",
        "subscriptions",
        "ticket",
        "who",
    )

    def __init__(self, told: Opened, now: float) -> None:
        self.id = told.connection_id
        self.who = told.who
        self.state = ConnectionState.CONNECTING
        # What the query asked for, until the greeting answers it.
        self.asked = told.feeds
        self.cursor = told.cursor
        self.refused = told.refused
        # What came before the greeting.
        self.early: list[ClientFrame | UnknownFrame | Renewed] = []
        # In the order in which they are carried on: whoever had a page goes behind the others.
        self.subscriptions: dict[Feed, Subscription] = {}
        # A page of replay is being written; the next one waits for it.
        self.congested = False
        # Read for it since it last had room, sent or not: many short replays are a page, too.
        self.read_bytes = 0
        # The read under way for it. One at a time: pages that come together would evict it.
        self.ticket: int | None = None
        self.opened_at = now
        self.heard_at = now
        self.ping_due = now
        # When its credentials run out.
        self.deadline = told.deadline
        # The same in seconds since 1970, until the greeting says it.
        self.expires_at = told.expires_at
        # When it is sent to another process, because this one ends.
        self.leaves_at = math.inf

    @property
    def is_connecting(self) -> bool:
        return self.state is ConnectionState.CONNECTING

    @property
    def is_open(self) -> bool:
        return self.state is ConnectionState.OPEN

    @property
    def is_ending(self) -> bool:
        return self.state in (ConnectionState.CLOSING, ConnectionState.CLOSED)

    @property
    def has_room(self) -> bool:
        """Whether a page of replay may be sent or asked for."""
        return not self.congested and self.ticket is None

    def forget_query(self) -> None:
        """It is answered: a long one, with an error for each bad item, is not kept for as long as the client stays."""
        self.asked, self.cursor, self.refused = (), Cursor(), ()

    @property
    def followed(self) -> tuple[Feed, ...]:
        """What it follows, or will once it is greeted."""
        early = (frame.feed for frame in self.early if isinstance(frame, Subscribe))
        return tuple(dict.fromkeys((*self.asked, *early, *self.subscriptions)))

    def had_a_page(self, subscription: Subscription) -> None:
        """The others have theirs before its next one: a topic that is never caught up with silences nobody."""
        self.subscriptions[subscription.feed] = self.subscriptions.pop(subscription.feed)

    def turn(self, turn: ConnectionTurn) -> None:
        self.state = turn_connection(self.state, turn)

    def covering(self, feed: Feed) -> Feed | None:
        """A feed of this connection that shares events with `feed`, other than itself."""
        if feed.key is not None:
            return feed.whole if feed.whole in self.subscriptions else None
        keyed = (other for other in self.subscriptions if other.key is not None and other.topic == feed.topic)
        return next(keyed, None)

    def __repr__(self) -> str:
        return f"<Connection {self.id} {self.state.value}, {len(self.subscriptions)} subscriptions>"
