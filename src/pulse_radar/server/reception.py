"""Who comes, and what of it they may follow: the same for a WebSocket and for a stream of events."""

import logging
from collections.abc import Collection
from functools import partial
from typing import Final

from fastapi import HTTPException
from starlette.requests import HTTPConnection

from pulse_radar.hub.inputs import Opened
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.cursor import parse_cursor, parse_topics
from pulse_radar.protocol.frames import ErrorFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.admission import Admission
from pulse_radar.server.policy import Policy
from pulse_radar.server.session import MayRead, forbidden

__all__ = ["Reception", "close_code", "opened"]

_log: Final = logging.getLogger("pulse_radar.server")


class Reception:
    """Asks of every client: may it knock, who is it, what may it read?"""

    def __init__(self, admission: Admission, policy: Policy) -> None:
        self._admission = admission
        self._policy = policy

    def refusal(self, connection: HTTPConnection) -> str | None:
        """Why this Host or Origin is refused; None to let it in."""
        refused = self._admission.refusal(connection.headers)
        if refused is not None:
            _log.warning("refused %s: %s", connection.client, refused)
        return refused

    async def identify(self, connection: HTTPConnection) -> object:
        """The principal. Raises: HTTPException, 401 for nobody, or whatever the application raises."""
        principal = await self._policy.identify(connection)
        if principal is None:
            raise HTTPException(401, "unauthenticated")
        return principal

    def rights(self, principal: object, declared: Collection[str]) -> MayRead | None:
        """What this principal may read of the topics there are, to be asked for each feed; None allows all."""
        return partial(self._may_read, principal, declared) if self._policy.authorize else None

    async def _may_read(self, principal: object, declared: Collection[str], feed: Feed) -> bool:
        # The application is not asked about what does not exist: that it does not, the hub says.
        return feed.topic not in declared or await self._policy.may(principal, "read", feed)


def close_code(status: int) -> CloseCode:
    """The close code that says what an HTTP status says."""
    if status >= 500 or status == 429:
        return CloseCode.TRY_AGAIN_LATER
    return CloseCode.FORBIDDEN if status == 403 else CloseCode.UNAUTHENTICATED


async def opened(
    connection_id: str, declared: Collection[str], may_read: MayRead | None, topics: str, last_seq: str
) -> Opened:
    """What a client asked for by its query, less what it may not read."""
    asked, refused_topics = parse_topics(topics)
    cursor, refused_cursors = parse_cursor(last_seq)
    wants_all = not asked and not refused_topics
    allowed: list[Feed] = []
    refused: list[ErrorFrame] = [*refused_topics, *refused_cursors]
    for feed in [Feed(topic) for topic in declared] if wants_all else asked:
        if may_read is None or await may_read(feed):
            allowed.append(feed)
        elif not wants_all:
            refused.append(forbidden(feed))
    return Opened(connection_id, tuple(allowed), cursor, tuple(refused))
