"""The life of a connection and of a subscription: two tables, and the only place where states change.

Every other combination of state and turn is a bug of ours and raises.
"""

from enum import Enum
from typing import Final

__all__ = [
    "CONNECTION_TABLE",
    "SUBSCRIPTION_TABLE",
    "ConnectionState",
    "ConnectionTurn",
    "SubscriptionState",
    "SubscriptionTurn",
    "turn_connection",
    "turn_subscription",
]


class ConnectionState(Enum):
    """Where a connection is in its life."""

    CONNECTING = "connecting"  # accepted; waits until its topics are current here
    OPEN = "open"  # greeted; frames flow
    CLOSING = "closing"  # told to close; nothing is sent or heeded any more
    CLOSED = "closed"  # gone


class ConnectionTurn(Enum):
    """What moves a connection on."""

    GREETED = "greeted"
    DISMISSED = "dismissed"  # we close it
    GONE = "gone"  # it is closed, whoever began


class SubscriptionState(Enum):
    """Where a subscription is in its life."""

    CATCHING_UP = "catching up"  # history is being replayed
    LIVE = "live"  # served with whatever arrives
    ENDED = "ended"


class SubscriptionTurn(Enum):
    """What moves a subscription on."""

    CAUGHT_UP = "caught up"
    SET_BACK = "set back"  # of a state topic: too slow for all of it, or the state began anew
    ENDED = "ended"


CONNECTION_TABLE: Final = {
    (ConnectionState.CONNECTING, ConnectionTurn.GREETED): ConnectionState.OPEN,
    (ConnectionState.CONNECTING, ConnectionTurn.DISMISSED): ConnectionState.CLOSING,
    (ConnectionState.CONNECTING, ConnectionTurn.GONE): ConnectionState.CLOSED,
    (ConnectionState.OPEN, ConnectionTurn.DISMISSED): ConnectionState.CLOSING,
    (ConnectionState.OPEN, ConnectionTurn.GONE): ConnectionState.CLOSED,
    (ConnectionState.CLOSING, ConnectionTurn.GONE): ConnectionState.CLOSED,
}

SUBSCRIPTION_TABLE: Final = {
    (SubscriptionState.CATCHING_UP, SubscriptionTurn.CAUGHT_UP): SubscriptionState.LIVE,
    (SubscriptionState.CATCHING_UP, SubscriptionTurn.ENDED): SubscriptionState.ENDED,
    (SubscriptionState.LIVE, SubscriptionTurn.SET_BACK): SubscriptionState.CATCHING_UP,
    (SubscriptionState.LIVE, SubscriptionTurn.ENDED): SubscriptionState.ENDED,
}


def turn_connection(state: ConnectionState, turn: ConnectionTurn) -> ConnectionState:
    """The state after this turn. Raises: RuntimeError, when the table has no such row."""
    try:
        return CONNECTION_TABLE[state, turn]
    except KeyError:
        raise RuntimeError(f"a {state.value} connection cannot be {turn.value}") from None


def turn_subscription(state: SubscriptionState, turn: SubscriptionTurn) -> SubscriptionState:
    """The state after this turn. Raises: RuntimeError, when the table has no such row."""
    try:
        return SUBSCRIPTION_TABLE[state, turn]
    except KeyError:
        raise RuntimeError(f"a {state.value} subscription cannot have {turn.value}") from None
