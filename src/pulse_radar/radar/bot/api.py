"""The two calls of the Bot API that reading along needs. The token, which is in every address, is told nowhere."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final, TypeVar

import httpx
from pydantic import SecretStr

from pulse_radar.errors import InvalidSetting
from pulse_radar.radar.bot.errors import BotAway, BotRefused
from pulse_radar.radar.bot.shapes import RawUpdate, RawUser, decode_answer, decode_updates, decode_user

__all__ = ["BotApi", "open_bot_api"]

_T = TypeVar("_T")

# So long a call waits for news at the server, and so much longer we wait for its answer.
_POLL_SECONDS: Final = 25
_ANSWER_SECONDS: Final = 15.0

# Nobody knows this token; of a malformed one there is no such address.
_UNKNOWN: Final = (401, 404)


class BotApi:
    """One bot's calls. Made by `open_bot_api`."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self._http = http

    async def me(self) -> RawUser:
        """Who the bot is. Raises: BotAway, BotRefused."""
        return _decoded(decode_user, await self._call("getMe"))

    async def updates(self, offset: int | None) -> list[RawUpdate]:
        """What is new from this one on, as soon as there is any; none after a while. What is before it is forgotten.

        Raises: BotAway, BotRefused.
        """
        asked = {"timeout": _POLL_SECONDS, "allowed_updates": ["message", "channel_post"]}
        return _decoded(decode_updates, await self._call("getUpdates", **asked, offset=offset or 0))

    async def _call(self, method: str, **asked: object) -> bytes:
        try:
            response = await self._http.post(method, json=asked)
        except httpx.HTTPError as error:
            # Its own words have the address.
            raise BotAway(f"the Bot API is not to be reached ({type(error).__name__})") from None
        answer = _decoded(decode_answer, response.content)
        if answer.ok:
            return bytes(answer.result)
        if answer.error_code in _UNKNOWN:
            raise BotRefused(
                "Telegram knows no bot of this token (PULSE_TELEGRAM_TOKEN): @BotFather tells it"
            )
        raise BotAway(f"the Bot API answers: {answer.description}", answer.parameters.retry_after)


@asynccontextmanager
async def open_bot_api(token: SecretStr, server: str) -> AsyncIterator[BotApi]:
    """The calls of the bot with this token, by way of this server. Raises: InvalidSetting."""
    # They tell addresses.
    for library in ("httpx", "httpcore"):
        logging.getLogger(library).setLevel(logging.WARNING)
    try:
        http = httpx.AsyncClient(
            base_url=f"{server.rstrip('/')}/bot{token.get_secret_value()}/",
            timeout=_POLL_SECONDS + _ANSWER_SECONDS,
        )
    except httpx.InvalidURL:
        raise InvalidSetting(
            "PULSE_TELEGRAM_SERVER or PULSE_TELEGRAM_TOKEN cannot be part of an address"
        ) from None
    async with http:
        yield BotApi(http)


def _decoded(decode: Callable[[bytes], _T], result: bytes) -> _T:
    try:
        return decode(result)
    except (ValueError, RecursionError):  # all of msgspec's errors
        raise BotAway("what answers does not speak as the Bot API does") from None
