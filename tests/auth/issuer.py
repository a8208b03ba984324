"""Whoever issues tokens, as people have one: over HTTP, with keys that rotate, slow or away where it shall be."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ed25519
from fastapi import FastAPI, Response

from tests.server.serving import serving

AUDIENCE, ISSUER = "radar", "https://id.example.com/"


class Issuer:
    """Publishes the public keys of those it signs with."""

    def __init__(self) -> None:
        self.keys: dict[str, ed25519.Ed25519PrivateKey] = {}
        self.asked = 0
        self.answer: Response | None = None
        self.delay_seconds = 0.0
        self.url = ""

    def rotate(self, kid: str) -> None:
        self.keys = {kid: ed25519.Ed25519PrivateKey.generate()}

    def token(self, kid: str | None = None, **other: Any) -> str:
        name, key = next(iter(self.keys.items()))
        claims = {
            "sub": "ada",
            "iss": ISSUER,
            "aud": AUDIENCE,
            "exp": time.time() + 60,
            "read": ["knowledge"],
        }
        return jwt.encode(claims | other, key, "EdDSA", headers={"kid": kid or name})

    async def publish(self) -> Any:
        self.asked += 1
        await asyncio.sleep(self.delay_seconds)
        if self.answer is not None:
            return self.answer
        algorithm = jwt.get_algorithm_by_name("EdDSA")
        return {
            "keys": [
                {**algorithm.to_jwk(key.public_key(), as_dict=True), "kid": kid}
                for kid, key in self.keys.items()
            ]
        }


@contextlib.asynccontextmanager
async def issuing() -> AsyncIterator[Issuer]:
    issuer = Issuer()
    issuer.rotate("first")
    app = FastAPI()
    app.get("/jwks.json")(issuer.publish)
    async with serving(app) as server:
        issuer.url = f"http://127.0.0.1:{server.port}/jwks.json"
        yield issuer
