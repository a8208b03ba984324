"""Keys that tokens are verified with: each has one algorithm, whatever a token says of itself."""

import logging
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from pulse_radar.errors import InvalidSetting

__all__ = ["Key", "Keys", "given_key", "published_keys"]

_log: Final = logging.getLogger("pulse_radar.auth")

# What a key's kind is used with (RFC 7518, section 3.1; RFC 8037). No secret is among what an issuer publishes.
_ALGORITHMS: Final = {("RSA", None): "RS256", ("OKP", "Ed25519"): "EdDSA", ("EC", "P-256"): "ES256"}

_GIVEN: Final = ("HS256", *_ALGORITHMS.values())

# RFC 7518, section 3.2 and 3.3: shorter ones are guessed, or factored.
_SECRET_BYTES: Final = 32
_RSA_BITS: Final = 2048

# An issuer has two or three; more cost memory and mean something else.
_MOST_KEYS: Final = 100

# By their ids; a single one without id is for all tokens.
Keys = Mapping[str | None, "Key"]


class Key(msgspec.Struct, frozen=True):
    """A key, and the only algorithm that it is used with."""

    algorithm: str
    value: Any

    def __repr__(self) -> str:
        return f"<Key for {self.algorithm}>"


def given_key(text: str, algorithm: str) -> Key:
    """A key of the settings: a secret for HS256, else a public key in PEM. Raises: InvalidSetting."""
    if algorithm not in _GIVEN:
        raise InvalidSetting(f"algorithm {algorithm!r}: a token is verified by {', '.join(_GIVEN)}")
    try:
        value = jwt.get_algorithm_by_name(algorithm).prepare_key(text)
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        # The text of the error may hold the key.
        raise InvalidSetting(
            f"the key for {algorithm} is none: {type(error).__name__}. "
            "HS256 takes a secret, the others a public key that begins with -----BEGIN PUBLIC KEY-----"
        ) from None
    if hasattr(value, "private_bytes"):
        raise InvalidSetting(
            f"the key for {algorithm} is a private one: give the public key, and keep that away"
        )
    if algorithm == "HS256" and len(text.encode()) < _SECRET_BYTES:
        raise InvalidSetting(
            f"a secret of fewer than {_SECRET_BYTES} bytes is guessed: `openssl rand -hex 32`"
        )
    _check_strength(value)
    return Key(algorithm, value)


def published_keys(document: object) -> Keys:
    """The keys of a JWKS document that can verify tokens; others are left out. Raises: ValueError, if it is none."""
    listed = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
        raise ValueError(f"no JWKS document with up to {_MOST_KEYS} keys")
    keys: dict[str | None, Key] = {}
    for published in listed:
        try:
            kid, key = _published(published)
        except (jwt.PyJWTError, InvalidSetting, ValueError, TypeError, KeyError, AttributeError) as error:
            _log.info("a published key is of no use here: %s", type(error).__name__)
        else:
            keys[kid] = key
    return keys


def _published(jwk: Mapping[str, Any]) -> tuple[str | None, Key]:
    algorithm = _ALGORITHMS[jwk["kty"], jwk.get("crv")]
    if jwk.get("use", "sig") != "sig" or jwk.get("alg", algorithm) != algorithm or "d" in jwk:
        raise ValueError("meant for something else")
    value = jwt.PyJWK(dict(jwk), algorithm).key
    _check_strength(value)
    kid = jwk.get("kid")
    return (kid if isinstance(kid, str) else None), Key(algorithm, value)


def _check_strength(value: Any) -> None:
    if isinstance(value, RSAPublicKey) and value.key_size < _RSA_BITS:
        raise InvalidSetting(f"an RSA key of {value.key_size} bits is factored: at least {_RSA_BITS}")
