"""What a client shows of itself, in one shape: a request, whether it came as one, as an upgrade or in a frame."""

from collections.abc import Callable
from typing import Any, Final

from starlette.authentication import AuthCredentials, UnauthenticatedUser
from starlette.requests import HTTPConnection, Request

from pulse_radar.auth.bearer import bearer_token

__all__ = ["as_request", "with_token"]

# What says who a client is. None of it goes along with a fresh token, which stands for itself.
_SHOWN: Final = frozenset({b"authorization", b"cookie", b"sec-websocket-protocol"})

# What Starlette's middleware made of that when the client came, and what it makes of a client who shows nothing.
_FOUND: Final[dict[str, Callable[[], Any]]] = {
    "session": dict,
    "user": UnauthenticatedUser,
    "auth": AuthCredentials,
}

# An upgrade's own affairs: no hook finds the transport of a connection here.
_OF_UPGRADES: Final = frozenset({"extensions", "subprotocols"})
_SCHEMES: Final = {"ws": "http", "wss": "https"}


def as_request(connection: HTTPConnection) -> Request:
    """The connection as a plain request without a body: what is written for requests works for an upgrade, too.

    The token that a browser offers as a subprotocol is there as the header that it could not send.
    """
    scope = {name: value for name, value in connection.scope.items() if name not in _OF_UPGRADES}
    scope |= {"type": "http", "scheme": _SCHEMES.get(scope.get("scheme", ""), scope.get("scheme", "http"))}
    scope.setdefault("method", "GET")
    token = bearer_token(connection)
    if token is not None and "authorization" not in connection.headers:
        scope["headers"] = [*scope["headers"], *_authorization(token)]
    return Request(scope)


def with_token(request: Request, token: str) -> Request:
    """The same request as if it had shown this token, and nothing else."""
    headers = [(name, value) for name, value in request.scope["headers"] if name not in _SHOWN]
    nobody = {name: make() for name, make in _FOUND.items() if name in request.scope}
    scope = {**request.scope, **nobody, "headers": [*headers, *_authorization(token)], "query_string": b""}
    return Request(scope)


def _authorization(token: str) -> list[tuple[bytes, bytes]]:
    # A header is Latin-1. What does not fit into one shows nothing, rather than something else.
    try:
        return [(b"authorization", f"Bearer {token}".encode("latin-1"))]
    except UnicodeEncodeError:
        return []
