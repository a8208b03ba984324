"""What whoever looks after a system asks of its server: how it is, and whether streams are as they are declared."""

from datetime import datetime

import msgspec

__all__ = ["ServerFacts", "StreamFacts", "account_of"]


class ServerFacts(msgspec.Struct, frozen=True):
    """The server that we are connected to. Units: bytes; None for no limit, or where we may not ask."""

    place: str
    version: str
    largest_message_bytes: int
    is_clustered: bool
    stored_bytes: int | None = None
    storage_limit_bytes: int | None = None


class StreamFacts(msgspec.Struct, frozen=True):
    """The stream of a topic, looked at by the server's time.

    `refused` says why it cannot be that topic; `changes` says of each thing that is otherwise than declared how it is.
    """

    name: str
    refused: str | None
    changes: tuple[str, ...]
    replicas: int
    events: int
    size_bytes: int
    looked_at: datetime


class _Limits(msgspec.Struct):
    max_storage: int = -1


class _Account(msgspec.Struct):
    storage: int = 0
    limits: _Limits = msgspec.field(default_factory=_Limits)


def account_of(answer: bytes) -> tuple[int, int | None]:
    """What a server says of our account: the bytes that are stored, and that may be."""
    account = msgspec.json.decode(answer, type=_Account)
    limit = account.limits.max_storage
    return account.storage, limit if limit >= 0 else None
