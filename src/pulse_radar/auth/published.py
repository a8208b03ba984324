"""The keys that an issuer publishes, fetched in the background: nobody waits, and no token makes us ask more often."""

import asyncio
import contextlib
import logging
import math
import random
import ssl
import time
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx
import msgspec

from pulse_radar.auth.keys import Key, Keys, published_keys
from pulse_radar.errors import InvalidSetting
from pulse_radar.tasks import ended

__all__ = ["KeyPending", "PublishedKeys"]

_log: Final = logging.getLogger("pulse_radar.auth")

# A key that was taken back is believed for at most so long; a new one is asked for when a token names it.
_REFRESH_SECONDS: Final = 300.0

# Tokens with made-up key ids do not make us ask an issuer more often than this.
_SHORTEST_PAUSE_SECONDS: Final = 10.0

# An issuer that is away does not log out everybody; one that is away for a day might have taken its keys back.
_KEPT_SECONDS: Final = 24 * 3600.0

# For all of a fetch, however slowly it drips; a start waits so long for the first.
_FETCH_SECONDS: Final = 5.0

# A hundred keys of 4096 bits have less.
_MOST_BYTES: Final = 256 * 1024

# Key ids of tokens that are remembered as unknown; who makes them up is told to come back, and no more.
_MOST_UNKNOWN: Final = 100

_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class KeyPending(LookupError):
    """The key is not here, and may be at the issuer, who is being asked."""


class PublishedKeys:
    """The keys at a JWKS address. An async context manager: they are fetched while it lasts.

    Raises: InvalidSetting, for an address that others could answer for.
    """

    def __init__(
        self,
        url: str,
        *,
        refresh_seconds: float = _REFRESH_SECONDS,
        shortest_pause_seconds: float = _SHORTEST_PAUSE_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        parts = urlsplit(url)
        is_private = parts.scheme == "http" and parts.hostname in _LOOPBACK
        if not parts.hostname or not (parts.scheme == "https" or is_private):
            raise InvalidSetting("jwks: an address reads https://host/path; whoever can change it can log in")
        self._url = url
        # For logs: the rest of the address may hold a secret.
        self._place = parts.hostname
        self._refresh_seconds = refresh_seconds
        self._shortest_pause_seconds = shortest_pause_seconds
        # Made once: it takes a tenth of a second, in which nothing else happens.
        self._tls = tls or httpx.create_ssl_context()
        self._keys: Keys = {}
        # Monotonic seconds: when those that are here were asked for.
        self._fetched_at = -math.inf
        # The ids that were looked for in vain, and when first.
        self._unknown: dict[str | None, float] = {}
        # A token named a key that is not here.
        self._is_wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        """Fetch them, for a start that can do without, and then again and again."""
        if self._task is not None:
            raise InvalidSetting("these keys are fetched for another app already: each app has its own")
        await self._fetch()
        self._task = asyncio.create_task(self._run(), name=f"keys of {self._place}")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await ended(task)

    def find(self, kid: str | None) -> Key | None:
        """The key with this id; None, where the issuer was asked for it just now and has none. Raises: KeyPending."""
        now = time.monotonic()
        key = self._keys.get(kid) if now < self._fetched_at + _KEPT_SECONDS else None
        if key is not None:
            return key
        is_fresh = now < self._fetched_at + self._shortest_pause_seconds
        # Longer ago is no answer: whoever names a key before the issuer has it would keep it out of here.
        if self._unknown.setdefault(kid, now) < self._fetched_at and is_fresh:
            return None
        if len(self._unknown) > _MOST_UNKNOWN:
            del self._unknown[next(iter(self._unknown))]
        self._is_wanted.set()
        raise KeyPending(f"a key of {self._place} is not here yet")

    def __repr__(self) -> str:
        return f"<PublishedKeys of {self._place}, {len(self._keys)} keys>"

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._shortest_pause_seconds)
            with contextlib.suppress(TimeoutError):
                # Not all processes at the same moment.
                async with asyncio.timeout(self._refresh_seconds * random.uniform(0.8, 1.0)):  # noqa: S311
                    await self._is_wanted.wait()
            self._is_wanted.clear()
            await self._fetch()

    async def _fetch(self) -> None:
        began = time.monotonic()
        try:
            async with asyncio.timeout(_FETCH_SECONDS):
                self._keys = published_keys(msgspec.json.decode(await self._read()))
        except (httpx.HTTPError, TimeoutError, ValueError, RecursionError) as error:
            _log.warning("the keys of %s did not come: %s", self._place, type(error).__name__)
        else:
            self._fetched_at = began

    async def _read(self) -> bytes:
        content = bytearray()
        # No redirects: the address that was given is the one that is believed. Nothing is unpacked: a few kilobytes
        # would become gigabytes before they are counted.
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with (
            httpx.AsyncClient(verify=self._tls) as http,
            http.stream("GET", self._url, headers=headers) as answer,
        ):
            if answer.status_code != 200:
                raise ValueError(f"status {answer.status_code}")
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > _MOST_BYTES:
                    raise ValueError(f"more than {_MOST_BYTES} bytes")
        return bytes(content)
