"""JSON Web Tokens, verified: the ready-made `authenticate` (RFC 7519, and the advice of RFC 8725).

What a token says of itself decides nothing: its header only names a key, and the key has one algorithm.
"""

import logging
import math
import ssl
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Final, Self

import jwt
from fastapi import HTTPException
from starlette.requests import HTTPConnection

from pulse_radar.auth.bearer import bearer_token
from pulse_radar.auth.keys import Key, given_key
from pulse_radar.auth.principal import Principal
from pulse_radar.auth.published import KeyPending, PublishedKeys
from pulse_radar.auth.rights import Rights
from pulse_radar.errors import InvalidSetting, UsageError

__all__ = ["Claims", "Jwt", "rights_of"]

_log: Final = logging.getLogger("pulse_radar.auth")

Claims = Mapping[str, Any]

# What must be there. That it has not run out is looked at later, to tell a stale token from a false one.
_OPTIONS: Final[Any] = {"require": ["exp", "aud", "iss", "sub"], "verify_exp": False}

# The clocks of the issuer and ours differ by so much, where a token begins to hold.
_LEEWAY_SECONDS: Final = 10

# Whatever a token may be: no JSON after all, without a claim, with one of another type, with numbers out of bounds.
_FALSE: Final = (
    jwt.PyJWTError,
    UsageError,
    LookupError,
    ValueError,
    TypeError,
    OverflowError,
    RecursionError,
)


class Jwt:
    """Answers the `Principal` that a token names, with its end and its rights.

    The token comes as `bearer_token` says, or in a cookie. Shape of the claims: `sub`, `exp`, `aud` and `iss` must be
    there; `read`, `publish` and `admin` are lists of what `Rights` takes.

    Example:
        pulse = Pulse(authenticate=Jwt(jwks="https://id.example.com/jwks.json", issuer="https://id.example.com/",
                                       audience="radar"))
    """

    def __init__(
        self,
        *,
        issuer: str,
        audience: str,
        jwks: str | None = None,
        key: str | None = None,
        algorithm: str | None = None,
        cookie: str | None = None,
        rights: Callable[[Claims], Rights] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """`jwks`: where the issuer publishes its keys (RSA: RS256, Ed25519: EdDSA, P-256: ES256); `tls` for there.

        Or `key` with its `algorithm`: a secret for HS256, else a public key in PEM. `cookie`: which one holds the
        token of a page that sends none. `rights`: what claims of another shape mean.
        Raises: InvalidSetting.
        """
        if (jwks is None) == (key is None) or (key is None) != (algorithm is None):
            raise InvalidSetting("Jwt takes jwks=…, or key=… with the one algorithm=… that it is used with")
        self._published = None if jwks is None else PublishedKeys(jwks, tls=tls)
        self._key = None if key is None or algorithm is None else given_key(key, algorithm)
        self._issuer = issuer
        self._audience = audience
        self._cookie = cookie
        self._rights = rights or rights_of

    async def __aenter__(self) -> Self:
        if self._published is not None:
            await self._published.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._published is not None:
            await self._published.__aexit__(kind, error, trace)

    def __call__(self, connection: HTTPConnection) -> Principal | None:
        """The principal; None for no token, or a false one. One that ran out has its end in the past.

        Raises: HTTPException, 503 while the issuer's keys are not here.
        """
        token = bearer_token(connection)
        if token is None and self._cookie is not None:
            token = connection.cookies.get(self._cookie)
        return None if token is None else self._principal(token)

    def __repr__(self) -> str:
        return f"<Jwt of {self._issuer} for {self._audience}, {self._published or self._key}>"

    def _principal(self, token: str) -> Principal | None:
        try:
            key = self._key_of(jwt.get_unverified_header(token))
            if key is None:
                return None
            claims = jwt.decode(
                token,
                key.value,
                algorithms=[key.algorithm],
                audience=self._audience,
                issuer=self._issuer,
                leeway=_LEEWAY_SECONDS,
                options=_OPTIONS,
            )
            return Principal(subject=_subject(claims), expires_at=_end(claims), rights=self._rights(claims))
        except _FALSE as error:
            # Never its text, which may hold a part of the token.
            _log.info("a token does not hold: %s", type(error).__name__)
            return None

    def _key_of(self, header: Mapping[str, Any]) -> Key | None:
        if "crit" in header:
            # It must not be believed by who does not know what it wants (RFC 7515, section 4.1.11).
            return None
        if self._published is None:
            return self._key
        kid = header.get("kid")
        try:
            return self._published.find(kid if isinstance(kid, str) else None)
        except KeyPending as pending:
            raise HTTPException(503, str(pending), {"Retry-After": "2"}) from None


def rights_of(claims: Claims) -> Rights:
    """The claims `read`, `publish` and `admin`, each a list. Raises: InvalidTopic, InvalidKey, TypeError."""
    return Rights(
        read=_names(claims, "read"), publish=_names(claims, "publish"), admin=_names(claims, "admin")
    )


def _names(claims: Claims, action: str) -> tuple[str, ...]:
    names = claims.get(action, [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"the claim {action} is no list of names")
    return tuple(names)


def _subject(claims: Claims) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject:
        raise TypeError("nobody is named")
    return subject


def _end(claims: Claims) -> float:
    end = claims["exp"]
    if isinstance(end, bool) or not isinstance(end, int | float) or not math.isfinite(end):
        raise TypeError("the end is no number")
    return float(end)
