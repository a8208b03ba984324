"""The server's own numbers for what it refuses, as far as we tell them apart."""

from typing import Final

__all__ = [
    "MESSAGE_TOO_LARGE",
    "NAME_TAKEN",
    "NO_MESSAGE",
    "NO_ROOM",
    "NO_TTL",
    "PASSING",
    "STREAM_NOT_FOUND",
    "SUBJECTS_TAKEN",
    "WRONG_LAST_SEQUENCE",
]

NO_MESSAGE: Final = 10037
MESSAGE_TOO_LARGE: Final = 10054
NAME_TAKEN: Final = 10058
STREAM_NOT_FOUND: Final = 10059
SUBJECTS_TAKEN: Final = 10065
# A limit of the stream, told by the word "maximum", or a full disk.
NO_ROOM: Final = 10077
NO_TTL: Final = 10166

# With the number and, while others are being stored, without it.
WRONG_LAST_SEQUENCE: Final = frozenset({10071, 10164})

# Refusals that pass: too few servers of a cluster are there to keep a new stream, as they start one after the other;
# the replicas have not agreed yet on an event with this id, which an earlier attempt brought.
PASSING: Final = frozenset({10005, 10158})
