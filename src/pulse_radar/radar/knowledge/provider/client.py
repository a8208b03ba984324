"""Asks a provider: one question, one answer, with patience for what passes and none for what does not."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx
from httpx_retries import Retry, RetryTransport

from pulse_radar.errors import PulseError
from pulse_radar.radar.knowledge.provider.access import ProviderAccess, ProviderLimits
from pulse_radar.radar.knowledge.provider.answer import FoundAtom, NoAnswer, NotAsked, Unusable, answer_in
from pulse_radar.radar.knowledge.provider.budget import TokenBudget
from pulse_radar.radar.knowledge.provider.question import question, tokens_of
from pulse_radar.radar.knowledge.provider.transport import Resolve, ToAllowedAddresses
from pulse_radar.radar.telegram import TelegramMessage

__all__ = ["ProviderClient", "open_client"]

# What passes: too many requests, servers that are unwell, and those that are not there. A question whose answer was
# lost is not asked again: it may have to be paid for.
_PASSES: Final = (429, 500, 502, 503, 504)
_NOT_THERE: Final = (httpx.ConnectError, httpx.ConnectTimeout)
# What is said of one question, and not of all: it is too long, or about what may not be talked about there.
_OF_THE_QUESTION: Final = (400, 413, 422)
_BACKOFF_SECONDS: Final = 0.5
# A provider may say how long to wait; longer than this the default extraction is the better answer.
_LONGEST_PAUSE_SECONDS: Final = 20.0


class ProviderClient:
    """A provider that can be asked. Made by `open_client`."""

    def __init__(
        self, http: httpx.AsyncClient, access: ProviderAccess, limits: ProviderLimits, budget: TokenBudget
    ) -> None:
        self._http = http
        self._access = access
        self._limits = limits
        self._budget = budget

    async def ask(self, messages: Sequence[TelegramMessage]) -> list[FoundAtom]:
        """What it finds in these messages. Raises: NoAnswer."""
        body = question(self._access, messages, self._limits.answer_tokens)
        dearest = tokens_of(body) + self._limits.answer_tokens
        if not self._budget.set_aside(dearest):
            raise Unusable("the tokens that it may cost are spent")
        # A question that was asked is paid for, whatever becomes of its answer.
        spent = dearest
        try:
            answer = answer_in(await self._send(body), len(messages), dearest)
            spent = answer.tokens
        except NotAsked:
            spent = 0
            raise
        else:
            return answer.atoms
        finally:
            self._budget.settle(dearest, spent)

    async def _send(self, body: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._limits.seconds_per_batch):
                response = await self._http.post("/chat/completions", content=body)
        except TimeoutError:
            raise NoAnswer(f"it did not answer within {self._limits.seconds_per_batch:g} s") from None
        except _NOT_THERE:
            raise Unusable("it is not to be reached") from None
        except httpx.HTTPError as error:
            raise NoAnswer(f"its answer was lost: {type(error).__name__}") from None
        except PulseError as error:  # of whoever resolves: it may not be asked there
            raise Unusable(str(error)) from None
        if response.status_code != httpx.codes.OK:
            refusal = NotAsked if response.status_code in _OF_THE_QUESTION else Unusable
            raise refusal(f"it answered with status {response.status_code}")
        return response.content

    def __repr__(self) -> str:
        return f"<ProviderClient {self._access.model} at {self._access.base_url}, {self._budget!r}>"


@asynccontextmanager
async def open_client(
    access: ProviderAccess, limits: ProviderLimits, budget: TokenBudget, resolve: Resolve
) -> AsyncIterator[ProviderClient]:
    """A client, and its connections until it is left."""
    retry = Retry(
        total=limits.attempts - 1,
        allowed_methods=["POST"],
        status_forcelist=_PASSES,
        retry_on_exceptions=_NOT_THERE,
        backoff_factor=_BACKOFF_SECONDS,
        max_backoff_wait=_LONGEST_PAUSE_SECONDS,
    )
    headers = {"content-type": "application/json", "accept-encoding": "identity"}
    if access.key is not None:
        headers["authorization"] = f"Bearer {access.key.get_secret_value()}"
    async with httpx.AsyncClient(
        base_url=access.base_url,
        headers=headers,
        timeout=limits.seconds_per_batch,
        transport=RetryTransport(ToAllowedAddresses(resolve), retry),
    ) as http:
        yield ProviderClient(http, access, limits, budget)
