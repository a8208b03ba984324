"""Close codes, and what each tells a client to do."""

from enum import Enum, IntEnum
from typing import Final

__all__ = ["Advice", "CloseCode", "advice", "parse_retry", "retry_reason"]


class CloseCode(IntEnum):
    """The codes that a server of ours closes with."""

    NORMAL = 1000
    INTERNAL_ERROR = 1011  # the live layer of this process stopped
    SERVICE_RESTART = 1012  # the process ends; carries retry=
    TRY_AGAIN_LATER = 1013  # the broker is away; carries retry=
    SLOW_CONSUMER = 4000  # unsent bytes passed the bound
    HEARTBEAT_TIMEOUT = 4001  # no sign of life for the pong timeout
    DRAINING = 4002  # the process is about to end; carries retry=
    EVICTED = 4003  # somebody sent it away
    EXPIRED = 4101  # the credentials ran out
    MALFORMED = 4400  # a frame that is none
    UNAUTHENTICATED = 4401
    FORBIDDEN = 4403
    FRAME_TOO_LARGE = 4413
    TOO_MANY_FRAMES = 4429


class Advice(Enum):
    """What a client does after a close."""

    DONE = "done"  # nothing: it was meant
    RECONNECT = "reconnect"  # with full jitter
    RESUME = "resume"  # with the cursor, the first time within 250 ms
    FRESH_CREDENTIALS = "fresh credentials"  # then reconnect
    STOP = "stop"  # a bug or a refusal: trying again changes nothing


_NAMED: Final = {
    1000: Advice.DONE,
    1002: Advice.STOP,
    1003: Advice.STOP,
    1007: Advice.STOP,
    1008: Advice.STOP,
    1009: Advice.STOP,
    1010: Advice.STOP,
}
_RETRY_PREFIX: Final = "retry="


def advice(code: int) -> Advice:
    """What to do after a close with `code`. A code that nobody named is decided by its range."""
    match code // 100:
        case 40:
            return Advice.RESUME
        case 41:
            return Advice.FRESH_CREDENTIALS
        case 44:
            return Advice.STOP
        case _:
            # A code from something between us (a proxy, a later version): the cursor makes it safe to retry.
            return _NAMED.get(code, Advice.RECONNECT)


def retry_reason(milliseconds: int) -> str:
    """The close reason that asks a client to wait this long before it reconnects."""
    return f"{_RETRY_PREFIX}{milliseconds}"


def parse_retry(reason: str) -> int | None:
    """The milliseconds that a close reason asks to wait, None where it asks nothing."""
    digits = reason.removeprefix(_RETRY_PREFIX)
    if digits == reason or not (digits.isascii() and digits.isdigit() and len(digits) <= 7):
        return None
    return int(digits)
