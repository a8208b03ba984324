"""One connection following one feed."""

from pulse_radar.hub.states import SubscriptionState, SubscriptionTurn, turn_subscription
from pulse_radar.protocol.grammar import Feed

__all__ = ["Subscription"]


class Subscription:
    """One connection × one feed: how far it has been served.

    While it is live its position is that of the topic's window; `cursor` speaks only while it catches up.
    """

    __slots__ = (
        "asked_at",
        "connection_id",
        "cursor",
        "disproofs",
        "feed",
        "is_resting",
        "owes_word",
        "page_events",
        "replayed",
        "since",
        "state",
    )

    def __init__(self, connection_id: str, feed: Feed, cursor: int) -> None:
        self.connection_id = connection_id
        self.feed = feed
        self.state = SubscriptionState.CATCHING_UP
        self.cursor = cursor
        # Of a state topic: where it forgot all it knew, or was live; None: it may know keys from elsewhere.
        self.since: int | None = None
        # The newest position when it asked for "the last n": that there are fewer up to there is no gap.
        self.asked_at: int | None = None
        # Events replayed since it was last live.
        self.replayed = 0
        # The client waits for the frame that says that it is live.
        self.owes_word = True
        # Its last read failed, and its next try is not due yet.
        self.is_resting = False
        # Of a log: so many events are next asked for at the broker.
        self.page_events = 0
        # How often the broker said that it never gave out so high a number.
        self.disproofs = 0

    @property
    def is_catching_up(self) -> bool:
        return self.state is SubscriptionState.CATCHING_UP

    @property
    def is_live(self) -> bool:
        return self.state is SubscriptionState.LIVE

    def turn(self, turn: SubscriptionTurn) -> None:
        self.state = turn_subscription(self.state, turn)

    def __repr__(self) -> str:
        return f"<Subscription {self.connection_id} to {self.feed}, {self.state.value}>"
