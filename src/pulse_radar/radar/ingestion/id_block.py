"""A stretch of a chat's message ids, and which of them are ingested: one entry of the bucket."""

from collections.abc import Iterable
from typing import Final, Self

import msgspec

__all__ = ["IDS_PER_BLOCK", "IdBlock", "block_key", "mask_of"]

# 512 bytes of bits: one round trip marks a whole chunk of neighbours, and no write is large.
IDS_PER_BLOCK: Final = 4096

# Ingestions that a block remembers by name: enough for all that run at once.
_REMEMBERED_INGESTIONS: Final = 8


class _Stored(msgspec.Struct, array_like=True):
    bits: bytes
    added_by: dict[str, int]


class IdBlock(msgspec.Struct, frozen=True):
    """The ids of one block as a bit each, and how many of them each of the latest ingestions added.

    The counts are stored in one write with the bits. So an ingestion that a worker died over knows exactly
    what it had added when another worker takes it up.
    """

    bits: int = 0
    added_by: dict[str, int] = {}

    def adding(self, mask: int, ingestion_id: str) -> Self:
        """This block with the ids of `mask` marked as added by this ingestion, those that are new."""
        new = (mask & ~self.bits).bit_count()
        counts = {**self.added_by}
        counts[ingestion_id] = counts.pop(ingestion_id, 0) + new
        kept = dict(list(counts.items())[-_REMEMBERED_INGESTIONS:])
        return type(self)(self.bits | mask, kept)

    def encode(self) -> bytes:
        return msgspec.msgpack.encode(_Stored(self.bits.to_bytes(IDS_PER_BLOCK // 8), self.added_by))

    @classmethod
    def decode(cls, stored: bytes) -> Self:
        """Raises: msgspec.DecodeError, when it is no block."""
        block = msgspec.msgpack.decode(stored, type=_Stored)
        return cls(int.from_bytes(block.bits), block.added_by)


def block_key(chat_id: int, message_id: int) -> str:
    """The entry in which this message has its bit. Ids may be negative."""
    return f"{chat_id}.{message_id // IDS_PER_BLOCK}"


def mask_of(message_ids: Iterable[int]) -> int:
    """The bits of these ids of one block."""
    mask = 0
    for message_id in message_ids:
        mask |= 1 << (message_id % IDS_PER_BLOCK)
    return mask
