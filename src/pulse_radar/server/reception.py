"""Who comes, and what of it they may follow: the same for a WebSocket and for a stream of events."""

import logging
from collections.abc import Collection
from typing import Final

import msgspec
from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection, Request

from pulse_radar.hub.inputs import Opened
from pulse_radar.protocol.close_codes import CloseCode
from pulse_radar.protocol.cursor import parse_cursor, parse_topics
from pulse_radar.protocol.frames import ErrorFrame
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.admission import Admission
from pulse_radar.server.credentials import as_request
from pulse_radar.server.inquiry import forbidden
from pulse_radar.server.places import Whose, network_of
from pulse_radar.server.policy import Policy
from pulse_radar.server.proxies import TrustedProxies
from pulse_radar.server.tickets import Tickets
from pulse_radar.server.visitor import Visitor

__all__ = ["QueryTexts", "Reception", "close_code", "opened", "whose"]

_log: Final = logging.getLogger("pulse_radar.server")

# They change nothing (RFC 9110, section 9.2.1).
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

_NO_REQUEST: Final = Request({"type": "http", "headers": []})


class QueryTexts(msgspec.Struct, frozen=True):
    """What a client asks for by its address: feeds, where it stands in them, how many of the newest it wants."""

    topics: str
    last_seq: str
    last: str

    @property
    def longest(self) -> int:
        """How long the longest of them is."""
        return max(map(len, (self.topics, self.last_seq, self.last)))


class Reception:
    """Asks of every client: may it knock, who is it?"""

    def __init__(
        self,
        admission: Admission,
        policy: Policy,
        *,
        proxies: TrustedProxies | None = None,
        tickets: Tickets | None = None,
    ) -> None:
        self._admission = admission
        self._proxies = proxies
        self._policy = policy
        self._tickets = tickets

    @property
    def authenticates(self) -> bool:
        return self._policy.authenticates

    def refusal(self, connection: HTTPConnection, *, of_any_origin: bool = False) -> str | None:
        """Why this Host or Origin is refused; None to let it in."""
        if self._proxies is not None:
            self._proxies.see_through(connection.scope)
        # Read anew: a proxy may have said another Host.
        headers = Headers(scope=connection.scope)
        scheme = connection.scope.get("scheme", "http")
        refused = self._admission.refusal(headers, scheme=scheme, of_any_origin=of_any_origin)
        if refused is not None:
            client = connection.client
            _log.warning("refused %s: %s", "a client" if client is None else client.host, refused)
        return refused

    async def admit(self, connection: HTTPConnection) -> Visitor:
        """Who asks for a route of the app's own. Raises: HTTPException, 403 for who may not knock; as `receive`."""
        is_safe = connection.scope.get("method") in _SAFE_METHODS
        refused = self.refusal(connection, of_any_origin=is_safe)
        if refused is not None:
            raise HTTPException(403, refused)
        return await self.receive(connection)

    async def receive(self, connection: HTTPConnection, *, takes_tickets: bool = False) -> Visitor:
        """Who it is. Raises: HTTPException, 401 for nobody, or whatever the app raises."""
        request = as_request(connection)
        ticket = connection.query_params.get("ticket")
        if takes_tickets and self._tickets is not None and self.authenticates and ticket is not None:
            principal: object = await self._tickets.redeem(ticket)
        else:
            principal = await self._policy.identify(request)
        if principal is None:
            raise HTTPException(401, "unauthenticated")
        # A visitor lasts as long as its connection: where nobody is asked about it again, it keeps no request.
        return Visitor(self._policy, request if self._policy.asks else _NO_REQUEST, principal)


def whose(connection: HTTPConnection, visitor: Visitor | None = None) -> Whose:
    """Whose connection this is, seen through trusted proxies already; with the visitor, once that is known."""
    host = None if connection.client is None else connection.client.host
    return Whose(network_of(host), None if visitor is None else visitor.identity)


def close_code(error: HTTPException) -> CloseCode:
    """The close code that says what an HTTP status says."""
    if error.status_code >= 500 or error.status_code == 429:
        return CloseCode.TRY_AGAIN_LATER
    if error.status_code == 401 and error.detail in {"expired", "used"}:
        return CloseCode.EXPIRED
    return CloseCode.FORBIDDEN if error.status_code == 403 else CloseCode.UNAUTHENTICATED


async def opened(
    connection_id: str, declared: Collection[str], visitor: Visitor, query: QueryTexts
) -> Opened:
    """What a client asked for by its query, less what it may not read."""
    asked, refused_topics = parse_topics(query.topics)
    cursor, refused_cursors = parse_cursor(query.last_seq, query.last)
    wants_all = not asked and not refused_topics
    feeds = tuple(Feed(topic) for topic in declared) if wants_all else asked
    readable = frozenset(feeds) if visitor.reads_all else await visitor.readable(feeds, declared)
    refused: list[ErrorFrame] = [*refused_topics, *refused_cursors]
    if not wants_all:
        refused += [forbidden(feed) for feed in feeds if feed not in readable]
    allowed = tuple(feed for feed in feeds if feed in readable)
    return Opened(
        connection_id, allowed, cursor, tuple(refused), visitor.deadline, visitor.expires_at, visitor.who
    )
