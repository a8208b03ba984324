"""`Jwt`: what holds, what does not, and what a token may not talk us into (RFC 8725)."""

import base64
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from starlette.requests import Request

from pulse_radar import InvalidSetting
from pulse_radar.auth import Jwt, Principal, Rights
from pulse_radar.auth.keys import Key, published_keys
from pulse_radar.auth.tokens import Claims

ISSUER, AUDIENCE = "https://id.example.com/", "radar"
SECRET = "a-secret-of-more-than-thirty-two-bytes"
RSA_KEY = rsa.generate_private_key(65_537, 2048)
PRIVATE_KEYS: dict[str, Any] = {
    "RS256": RSA_KEY,
    "EdDSA": ed25519.Ed25519PrivateKey.generate(),
    "ES256": ec.generate_private_key(ec.SECP256R1()),
}


def public_pem(algorithm: str) -> str:
    key = PRIVATE_KEYS[algorithm].public_key()
    return str(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo), "ascii")


def private_pem(algorithm: str) -> str:
    key = PRIVATE_KEYS[algorithm]
    return str(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), "ascii")


def claims(**other: Any) -> dict[str, Any]:
    """Good claims; None leaves one out."""
    good = {"sub": "ada", "iss": ISSUER, "aud": AUDIENCE, "exp": int(time.time()) + 60, "read": ["knowledge"]}
    return {name: value for name, value in (good | other).items() if value is not None}


def signed(key: Any = SECRET, algorithm: str = "HS256", *, header: Any = None, **other: Any) -> str:
    return jwt.encode(claims(**other), key, algorithm, headers=header)


def verifier(**other: Any) -> Jwt:
    return Jwt(**({"key": SECRET, "algorithm": "HS256", "issuer": ISSUER, "audience": AUDIENCE} | other))


def showing(token: str | None, **cookies: str) -> Request:
    headers = [] if token is None else [(b"authorization", f"Bearer {token}".encode())]
    headers += [(b"cookie", f"{name}={value}".encode()) for name, value in cookies.items()]
    return Request({"type": "http", "headers": headers})


def test_a_token_names_who_until_when_and_what() -> None:
    end = int(time.time()) + 60
    token = signed(exp=end, read=["knowledge", "tasks/a:*"], publish=["messages"], admin=["*"])
    assert verifier()(showing(token)) == Principal(
        subject="ada",
        expires_at=end,
        rights=Rights(read=("knowledge", "tasks/a:*"), publish=("messages",), admin=("*",)),
    )


@pytest.mark.parametrize("algorithm", PRIVATE_KEYS)
def test_each_algorithm_verifies_with_its_public_key(algorithm: str) -> None:
    jwt_of = verifier(key=public_pem(algorithm), algorithm=algorithm)
    assert jwt_of(showing(signed(PRIVATE_KEYS[algorithm], algorithm))) is not None


def test_a_token_without_rights_may_nothing() -> None:
    principal = verifier()(showing(signed(read=None)))
    assert principal is not None
    assert principal.rights == Rights()


def test_a_token_that_ran_out_is_known_by_its_end() -> None:
    principal = verifier()(showing(signed(exp=1_000)))
    assert principal is not None
    assert principal.expires_at == 1_000


@pytest.mark.parametrize(
    "other",
    [
        *({missing: None} for missing in ("sub", "iss", "aud", "exp")),
        {"iss": "https://evil.example/"},
        {"aud": "another"},
        {"aud": ["another", "third"]},
        {"nbf": int(time.time()) + 3600},
        {"exp": "soon"},
        {"exp": True},
        {"exp": [1]},
        {"sub": ""},
        {"sub": 7},
        {"read": "knowledge"},
        {"read": [7]},
        {"read": ["Knowledge!"]},
        {"admin": {"*": 1}},
    ],
)
def test_a_claim_that_is_missing_or_wrong_makes_a_token_false(other: dict[str, Any]) -> None:
    assert verifier()(showing(forged(claims(**other)))) is None


def forged(payload: object, header: Any = None, *, secret: str = SECRET) -> str:
    """A token that is signed by hand: the library would not make all of them."""
    parts = [
        json.dumps(part).encode() if not isinstance(part, bytes) else part
        for part in ({"alg": "HS256", "typ": "JWT"} | (header or {}), payload)
    ]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    hmac = jwt.get_algorithm_by_name("HS256")
    signature = hmac.sign(text, hmac.prepare_key(secret))
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def test_the_forger_of_these_tests_can_make_one_that_holds() -> None:
    assert verifier()(showing(forged(claims()))) is not None


@pytest.mark.parametrize(
    "payload", [[], "text", 7, None, b"not json", b'{"exp":1e999}', b'{"exp":NaN}', b"[" * 5_000]
)
def test_what_is_signed_and_no_claims_is_false(payload: object) -> None:
    assert verifier()(showing(forged(payload))) is None


@pytest.mark.parametrize("token", ["", "a", "a.b", "a.b.c", "..", "é.ü.ö", "a.b.c.d.e", "x" * 10_000])
def test_what_is_no_token_is_nobody(token: str) -> None:
    assert verifier()(showing(token)) is None


def test_nobody_shows_nothing() -> None:
    assert verifier()(showing(None)) is None


def test_another_secret_signs_nothing_here() -> None:
    assert verifier()(showing(forged(claims(), secret=SECRET + "?"))) is None


def test_a_token_cannot_be_unsigned() -> None:
    token = jwt.encode(claims(), "", "none")
    assert verifier()(showing(token)) is None


def test_a_public_key_is_no_secret_to_sign_with() -> None:
    # The classic: HS256 with the text of the RSA key that everybody has.
    jwt_of = verifier(key=public_pem("RS256"), algorithm="RS256")
    assert jwt_of(showing(forged(claims(), secret="x"))) is None
    with_key = forged_with_any_secret(public_pem("RS256"))
    assert jwt_of(showing(with_key)) is None


def forged_with_any_secret(secret: str) -> str:
    import hashlib
    import hmac

    parts = [json.dumps(part).encode() for part in ({"alg": "HS256", "typ": "JWT"}, claims())]
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.digest(secret.encode(), text, hashlib.sha256)
    return (text + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.mark.parametrize(
    "header",
    [
        {"crit": ["exp"]},
        {"alg": "HS512"},
        {"alg": "none"},
        {"alg": None},
        {"jku": "https://evil.example", "alg": "RS256"},
    ],
)
def test_a_header_cannot_choose_how_its_token_is_verified(header: dict[str, Any]) -> None:
    assert verifier()(showing(forged(claims(), header))) is None


def test_a_cookie_holds_the_token_of_a_page_that_sends_none_where_it_is_named() -> None:
    token = signed()
    assert verifier(cookie="session")(showing(None, session=token)) is not None
    assert verifier()(showing(None, session=token)) is None
    # Who shows a token means it.
    assert verifier(cookie="session")(showing("false", session=token)) is None


def test_rights_may_be_read_from_claims_of_another_shape() -> None:
    def rights(found: Claims) -> Rights:
        return Rights(read=(f"tasks/{found['tenant']}:*",))

    principal = verifier(rights=rights)(showing(signed(tenant="acme")))
    assert principal is not None
    assert principal.rights == Rights(read=("tasks/acme:*",))
    assert verifier(rights=rights)(showing(signed(tenant="*/"))) is None


@pytest.mark.parametrize(
    "other",
    [
        {"key": "short"},
        {"algorithm": "none"},
        {"algorithm": "HS512"},
        {"algorithm": None},
        {"key": None},
        {"key": None, "algorithm": None},
        {"jwks": "https://id.example.com/jwks.json"},
        {"key": "no pem", "algorithm": "RS256"},
        {"key": public_pem("RS256")},
        {"key": public_pem("EdDSA"), "algorithm": "RS256"},
        {"key": private_pem("RS256"), "algorithm": "RS256"},
        {"key": None, "algorithm": None, "jwks": "http://id.example.com/jwks.json"},
        {"key": None, "algorithm": None, "jwks": "file:///etc/passwd"},
    ],
)
def test_what_cannot_be_secure_is_refused_at_the_start_without_showing_it(other: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting) as refused:
        verifier(**other)
    key = other.get("key")
    assert key is None or key not in str(refused.value)


def jwk(algorithm: str, **other: Any) -> dict[str, Any]:
    made = jwt.get_algorithm_by_name(algorithm).to_jwk(PRIVATE_KEYS[algorithm].public_key(), as_dict=True)
    return {**made, "kid": algorithm, **other}


def test_published_keys_have_the_algorithm_of_their_kind() -> None:
    keys = published_keys({"keys": [jwk(algorithm) for algorithm in PRIVATE_KEYS]})
    assert {kid: key.algorithm for kid, key in keys.items()} == {name: name for name in PRIVATE_KEYS}


@pytest.mark.parametrize(
    "useless",
    [
        {"kty": "oct", "k": "c2VjcmV0", "kid": "x"},
        jwk("RS256", use="enc"),
        jwk("RS256", alg="PS256"),
        jwk("RS256", n="AQAB"),
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        7,
        None,
    ],
)
def test_a_published_key_that_is_of_no_use_leaves_the_others(useless: object) -> None:
    assert list(published_keys({"keys": [useless, jwk("EdDSA")]})) == ["EdDSA"]


@pytest.mark.parametrize("document", [None, [], {}, {"keys": {}}, {"keys": [jwk("EdDSA")] * 101}])
def test_what_is_no_document_of_keys_is_refused(document: object) -> None:
    with pytest.raises(ValueError):
        published_keys(document)


def test_a_key_shows_nothing_of_itself() -> None:
    assert SECRET not in repr(Key("HS256", SECRET)) + repr(verifier())
