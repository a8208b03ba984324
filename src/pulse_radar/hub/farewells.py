"""How clients are sent away, and when they are told to come back: those who go together do not come together."""

from typing import Final

from pulse_radar.hub.actions import Close
from pulse_radar.hub.connection import Connection
from pulse_radar.hub.context import Context
from pulse_radar.hub.departures import departures
from pulse_radar.hub.states import ConnectionTurn
from pulse_radar.hub.subscribing import Subscribing
from pulse_radar.protocol.close_codes import CloseCode, retry_reason

__all__ = ["Farewells"]

# Clients sent away together come back spread over this time: after a pause where nobody is better off, soon
# where they leave one after the other anyway and other processes are ready for them.
_LATER_MS: Final = range(1_000, 5_000)
_ELSEWHERE_MS: Final = range(250)


class Farewells:
    """Ends connections, one now or all of them in turn."""

    def __init__(self, context: Context, subscribing: Subscribing) -> None:
        self._context = context
        self._subscribing = subscribing
        # Clients that were told when to come back.
        self._sent_away = 0
        self.is_draining = False

    def dismiss(self, connection: Connection, code: CloseCode, reason: str = "") -> None:
        connection.turn(ConnectionTurn.DISMISSED)
        self._context.counters.dismissed[code] += 1
        self._subscribing.end_all(connection)
        self._context.agenda.put(Close(connection.id, code, reason))

    def turn_back(self, connection: Connection) -> None:
        """It came while all leave: sooner it would only come here again."""
        self.dismiss(connection, CloseCode.DRAINING, self._retry(_LATER_MS))

    def send_elsewhere(self, connection: Connection) -> None:
        """It is its turn to leave."""
        self.dismiss(connection, CloseCode.DRAINING, self._retry(_ELSEWHERE_MS))

    def try_again_later(self, connection: Connection) -> None:
        """Nothing can be done for it here."""
        self.dismiss(connection, CloseCode.TRY_AGAIN_LATER, self._retry(_LATER_MS))

    def drain(self, within_seconds: float) -> None:
        """The process is about to end: plan when each client leaves."""
        if self.is_draining:
            return
        self.is_draining = True
        within_seconds = min(within_seconds, self._context.limits.drain_seconds)
        staying = [each for each in self._context.connections.values() if not each.is_ending]
        for connection, after in zip(staying, departures(len(staying), within_seconds), strict=True):
            connection.leaves_at = self._context.now + after
            self._context.deadlines.set(connection.leaves_at, connection)

    def __repr__(self) -> str:
        return f"<Farewells{' draining' if self.is_draining else ''}, {self._sent_away} sent away>"

    def _retry(self, span_ms: range) -> str:
        # The golden ratio spreads any number of clients evenly, without chance.
        self._sent_away += 1
        return retry_reason(span_ms[int(self._sent_away * 0.618 * len(span_ms)) % len(span_ms)])
