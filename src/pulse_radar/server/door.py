"""The door of /ws and /events: whoever knocks is asked the same, and told in the manner of its route."""

from collections.abc import Callable

import msgspec
from starlette.requests import HTTPConnection

from pulse_radar.errors import NotRunning
from pulse_radar.hub.inputs import Opened
from pulse_radar.server.places import FULL_RETRY_SECONDS, Whose
from pulse_radar.server.reception import QueryTexts, Reception, opened, whose
from pulse_radar.server.runner import Runner
from pulse_radar.server.transport import EXTENSION
from pulse_radar.server.visitor import Visitor

__all__ = ["Door", "Guest", "Refused"]


class Refused(msgspec.Struct, frozen=True):
    """Nobody is let in like this, or now: an HTTP status, and for people why.

    `retry_seconds`: when to come back; None: not here, or not as one is.
    """

    status: int
    reason: str
    retry_seconds: int | None = None


class Guest(msgspec.Struct, frozen=True):
    """Somebody who is let in: what it asked for, who it is, and whose place it takes."""

    opened: Opened
    visitor: Visitor
    whose: Whose


class Door:
    """Whether a client may come in, before and after it is known who it is."""

    def __init__(self, runner: Callable[[], Runner], reception: Reception) -> None:
        """`runner` answers the running one, which does not exist yet when routes are made."""
        self._runner = runner
        self._reception = reception

    def knock(self, connection: HTTPConnection) -> Runner | Refused:
        """The runner that would serve it, or why none would, whoever it is."""
        foreign = self._reception.refusal(connection)
        if foreign is not None:
            return Refused(403, foreign)
        try:
            runner = self._runner()
        except NotRunning as error:
            return Refused(503, str(error))
        if runner.refuses(whose(connection)):
            return Refused(503, "there are as many connections as there may be", FULL_RETRY_SECONDS)
        return runner

    async def admit(self, connection: HTTPConnection, runner: Runner, query: QueryTexts) -> Guest:
        """Who it is, and what it may follow. Raises: HTTPException, or whatever the app raises."""
        if EXTENSION not in connection.scope.get("extensions", {}):
            # Where there is an `Upgrade`, its handshake had its turn.
            await runner.turn()
        visitor = await self._reception.receive(connection, takes_tickets=True)
        asked = await opened(runner.new_connection_id(), runner.hub.topics, visitor, query)
        return Guest(asked, visitor, whose(connection, visitor))
