"""How slowly a request may come and its answer may be taken: whoever drips holds a socket for nothing.

Never looks at a clock: `now` are monotonic seconds. A deadline of infinity: nothing is awaited.
"""

import math
from collections import Counter
from enum import StrEnum
from typing import Final, Self

import msgspec

from pulse_radar.settings import Settings

__all__ = ["GIVEN_UP", "MOST_HEAD_BYTES", "AnswerPace", "GivenUp", "HttpBounds", "RequestPace"]

# Of a request line with its headers, and of what stands behind a body. Twice what nginx takes.
MOST_HEAD_BYTES: Final = 64 * 1024

# A body that comes more slowly than by the slowest modem is none that anybody waits for. As Apache's mod_reqtimeout.
_BYTES_PER_SECOND: Final = 500


class GivenUp(StrEnum):
    """Why a socket was let go of."""

    SILENT = "silent"
    TOO_SLOW = "too_slow"
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"
    NO_PLACE = "no_place"
    UNREAD = "unread"


# How often, in this process: a socket belongs to its server, and to no app.
GIVEN_UP: Final[Counter[GivenUp]] = Counter()


class HttpBounds(msgspec.Struct, frozen=True):
    """How long a client may take.

    `request_seconds`: from connecting, or from the first byte of another request, to the end of its head; then for its
    body as long, and a second more for each 500 bytes. `response_seconds`: in which nothing of an answer is taken.
    """

    request_seconds: float = 10.0
    response_seconds: float = 60.0

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        return cls(settings.request_seconds, settings.response_seconds)


class RequestPace:
    """Of the request that is coming, on a connection that begins now: one that says nothing is given up, too."""

    __slots__ = ("_seconds", "deadline")

    def __init__(self, seconds: float, now: float) -> None:
        self._seconds = seconds
        self.deadline = now + seconds

    def begins(self, now: float) -> None:
        """Something of a request came; where one began already, this changes nothing."""
        if self.deadline == math.inf:
            self.deadline = now + self._seconds

    def goes_on(self, now: float) -> None:
        """Its head is there, or it was us for whom it waited: what is to come has its time from now on."""
        self.deadline = now + self._seconds

    def came(self, count: int) -> None:
        """So many bytes of its body came."""
        self.deadline += count / _BYTES_PER_SECOND

    def ends(self) -> None:
        """It is there, or nobody waits for it any more."""
        self.deadline = math.inf

    def __repr__(self) -> str:
        return f"<RequestPace until {self.deadline}>"


class AnswerPace:
    """Of the answer that is being taken."""

    __slots__ = ("_seconds", "_unsent_bytes", "deadline")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._unsent_bytes = 0
        self.deadline = math.inf

    def note(self, unsent_bytes: int, now: float) -> None:
        """So much is unsent now: where that is news, some of it is to be taken in time."""
        if unsent_bytes == 0:
            self.deadline = math.inf
        elif self.deadline == math.inf:
            self._unsent_bytes, self.deadline = unsent_bytes, now + self._seconds

    def has_stalled(self, unsent_bytes: int, now: float) -> bool:
        """Whether nothing was taken for as long as that may be."""
        if now < self.deadline:
            return False
        self.deadline = math.inf
        return unsent_bytes >= self._unsent_bytes

    def __repr__(self) -> str:
        return f"<AnswerPace {self._unsent_bytes} bytes unsent, until {self.deadline}>"
