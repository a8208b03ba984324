"""Asking a broker that may be away, or whose topics nobody has made yet."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from pulse_radar.errors import BrokerUnavailable, TopicMissing

__all__ = ["until_answered"]

_T = TypeVar("_T")

_log: Final = logging.getLogger("pulse_radar.server")

# Asked again after so long when the broker did not answer.
_RETRY_SECONDS: Final = 0.5


async def until_answered(what: str, ask: Callable[[], Awaitable[_T]]) -> _T:
    """The broker's answer, however long it takes; `what` is said while it does. Raises what else `ask` raises."""
    while True:
        try:
            return await ask()
        except (BrokerUnavailable, TopicMissing) as error:
            _log.warning("%s: %s", what, error)
            await asyncio.sleep(_RETRY_SECONDS)
