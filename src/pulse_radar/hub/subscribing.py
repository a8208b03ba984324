"""What a connection may follow, and from where it begins."""

from collections.abc import Iterable, Mapping

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
        subscription = self._channels[request.feed.topic].join(connection.id, request)
        connection.subscriptions[request.feed] = subscription
        return subscription

    @property
    def state_topics(self) -> tuple[str, ...]:
        """The topics in which a client cannot check the order by itself."""
        return tuple(topic for topic, channel in self._channels.items() if channel.is_state)

    def are_current(self, feeds: Iterable[Feed]) -> bool:
        """Whether those of them that there are can be served at once."""
        channels = (self._channels.get(feed.topic) for feed in feeds)
        return all(channel is None or channel.is_current for channel in channels)

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

    def ease(self, connection: Connection) -> None:
        """Serve a slow connection with less, where the topic allows it."""
        for subscription in tuple(connection.subscriptions.values()):
            self._channels[subscription.feed.topic].ease(subscription)

    def promised(self, subscriptions: Iterable[Subscription]) -> dict[Feed, int]:
        """The positions after which new subscriptions are served, but for those that begin with a snapshot."""
        positions = {s.feed: self._channels[s.feed.topic].promised(s) for s in subscriptions}
        return {feed: position for feed, position in positions.items() if position is not None}

    def quiet_cursors(self, connection: Connection) -> dict[Feed, int]:
        """The positions of live feeds with natural holes: told with each ping, so that quiet ones do not age."""
        return {
            feed: self._channels[feed.topic].last
            for feed, subscription in connection.subscriptions.items()
            if subscription.is_live and not self._channels[feed.topic].is_counted(feed)
        }

    def _confirm(self, subscription: Subscription) -> None:
        if subscription.is_live:
            position = self._channels[subscription.feed.topic].last
            frame = Subscribed(subscription.feed, position, 0)
            self._context.agenda.say(subscription.connection_id, encode_server(frame))
        else:
            subscription.owes_word = True

    def _refusal(self, connection: Connection, feed: Feed) -> ErrorFrame | None:
        if feed.topic not in self._channels:
            known = ", ".join(sorted(self._channels)) or "none"
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
