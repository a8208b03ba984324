"""What a connection may follow, and from where it begins."""

from collections.abc import Mapping

from pulse_radar.hub.channel import Channel
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.states import SubscriptionTurn
from pulse_radar.hub.subscription import Subscription
from pulse_radar.protocol.codec import encode_server
from pulse_radar.protocol.frames import ErrorCode, ErrorFrame, Subscribe, Subscribed
from pulse_radar.protocol.grammar import Feed

__all__ = ["Subscribing"]


class Subscribing:
    """Begins, resumes and ends the subscriptions of connections."""

    def __init__(self, context: Context, channels: Mapping[str, Channel]) -> None:
        self._context = context
        # The topics whose tails have begun, as the hub keeps them.
        self._channels = channels

    def subscribe(self, connection: Connection, request: Subscribe) -> Subscription | ErrorFrame:
        """The subscription that answers the request, not advanced yet; or why there is none.

        One that exists and is asked for again with a starting point begins anew there, without one it is confirmed.
        """
        refused = self._refusal(connection, request.feed)
        if refused is not None:
            return refused
        current = connection.subscriptions.get(request.feed)
        if current is not None:
            if request.after is None and request.last is None:
                self._confirm(current)
                return current
            self.end(connection, request.feed)
        subscription = self._begin(connection.id, request)
        connection.subscriptions[request.feed] = subscription
        return subscription

    def advance(self, subscription: Subscription) -> None:
        """Carry a subscription that catches up as far as it goes without waiting."""
        if subscription.is_catching_up:
            self._channels[subscription.feed.topic].advance(subscription)

    def end(self, connection: Connection, feed: Feed) -> None:
        """End this subscription of the connection, if there is one."""
        subscription = connection.subscriptions.pop(feed, None)
        if subscription is not None:
            self._channels[feed.topic].leave(subscription)
            subscription.turn(SubscriptionTurn.ENDED)

    def end_all(self, connection: Connection) -> None:
        for feed in tuple(connection.subscriptions):
            self.end(connection, feed)

    def quiet_cursors(self, connection: Connection) -> dict[Feed, int]:
        """The positions of live subscriptions to keys: told with each ping, so that quiet keys do not age."""
        return {
            feed: self._channels[feed.topic].last
            for feed, subscription in connection.subscriptions.items()
            if feed.key is not None and subscription.is_live
        }

    def _begin(self, connection_id: str, request: Subscribe) -> Subscription:
        channel = self._channels[request.feed.topic]
        if request.last is not None:
            start = channel.start_of(request.feed, request.last)
            return Subscription(connection_id, request.feed, start, lenient=True)
        start = channel.last if request.after is None else request.after
        return Subscription(connection_id, request.feed, start)

    def _confirm(self, subscription: Subscription) -> None:
        if subscription.is_live:
            position = self._channels[subscription.feed.topic].last
            frame = Subscribed(subscription.feed, position, 0)
            self._context.outbox.say(subscription.connection_id, encode_server(frame))

    def _refusal(self, connection: Connection, feed: Feed) -> ErrorFrame | None:
        if feed.topic not in self._channels:
            known = ", ".join(self._channels) or "none"
            message = f"unknown topic '{feed.topic}': the topics here are {known}"
            return ErrorFrame(ErrorCode.UNKNOWN_TOPIC, message, str(feed))
        if feed in connection.subscriptions:
            return None
        covering = connection.covering(feed)
        if covering is not None:
            relation = "covers" if feed.key is None else "is already covered by"
            message = f"'{feed}' {relation} '{covering}' on this connection: unsubscribe that first"
            return ErrorFrame(ErrorCode.ALREADY_COVERED, message, str(feed))
        limit = self._context.limits.subscriptions
        if len(connection.subscriptions) >= limit:
            message = f"a connection has at most {limit} subscriptions: follow whole topics, or open another"
            return ErrorFrame(ErrorCode.TOO_MANY_SUBSCRIPTIONS, message, str(feed))
        return None
