"""Both tables, walked: every pair of state and turn either leads somewhere or is a bug that raises."""

from itertools import product

import pytest

from pulse_radar.hub.states import (
    CONNECTION_TABLE,
    SUBSCRIPTION_TABLE,
    ConnectionState,
    ConnectionTurn,
    SubscriptionState,
    SubscriptionTurn,
    turn_connection,
    turn_subscription,
)


@pytest.mark.parametrize(("state", "turn"), [*product(ConnectionState, ConnectionTurn)])
def test_a_connection_turns_as_its_table_says(state: ConnectionState, turn: ConnectionTurn) -> None:
    if (state, turn) in CONNECTION_TABLE:
        assert turn_connection(state, turn) is CONNECTION_TABLE[state, turn]
    else:
        with pytest.raises(RuntimeError, match=f"a {state.value} connection cannot be {turn.value}"):
            turn_connection(state, turn)


@pytest.mark.parametrize(("state", "turn"), [*product(SubscriptionState, SubscriptionTurn)])
def test_a_subscription_turns_as_its_table_says(state: SubscriptionState, turn: SubscriptionTurn) -> None:
    if (state, turn) in SUBSCRIPTION_TABLE:
        assert turn_subscription(state, turn) is SUBSCRIPTION_TABLE[state, turn]
    else:
        with pytest.raises(RuntimeError, match=f"a {state.value} subscription cannot have {turn.value}"):
            turn_subscription(state, turn)


def test_from_every_state_there_is_a_way_to_the_end() -> None:
    for connection in ConnectionState:
        assert ends(connection) or (connection, ConnectionTurn.GONE) in CONNECTION_TABLE
    for subscription in SubscriptionState:
        is_over = subscription is SubscriptionState.ENDED
        assert is_over or (subscription, SubscriptionTurn.ENDED) in SUBSCRIPTION_TABLE


def test_nothing_comes_back_from_the_end() -> None:
    assert not [state for state, _ in CONNECTION_TABLE if ends(state)]
    assert not [state for state, _ in SUBSCRIPTION_TABLE if state is SubscriptionState.ENDED]


def ends(state: ConnectionState) -> bool:
    return state is ConnectionState.CLOSED
