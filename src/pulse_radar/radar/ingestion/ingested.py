"""Which messages are ingested already, for everybody and for good: a JetStream key-value bucket of id blocks.

It stands in for the database that is to come. A block is replaced only if nobody else replaced it since it was
read, and bits are only ever set: so any number of ingestions may mark the same messages at the same time, and
each message is added by exactly one of them.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final, TypeVar

import msgspec
import nats.errors
import nats.js.errors
from nats.js import JetStreamContext
from nats.js.api import KeyValueConfig
from nats.js.kv import KeyValue

from pulse_radar.errors import BrokerRefused, BrokerUnavailable
from pulse_radar.radar.ingestion.id_block import IdBlock, block_key, mask_of
from pulse_radar.radar.telegram import TelegramMessage
from pulse_radar.radar.together import all_of

__all__ = ["IngestedIds", "open_ingested"]

_T = TypeVar("_T")

# Blocks held in memory, a kilobyte each. Exports are in the order of ids: a block that was left is rarely met again.
_BLOCKS_HELD: Final = 2_048

# A server that restarts is back by then, and so is a cluster that elects a leader.
_PATIENCE_SECONDS: Final = 30.0
_PAUSE_SECONDS: Final = 0.2

# The server is away, restarts, or elects. Whether it did what it was asked is unknown, and does not matter.
_AWAY: Final = (
    nats.errors.TimeoutError,
    nats.errors.NoRespondersError,
    nats.errors.ConnectionClosedError,
    nats.errors.OutboundBufferLimitError,
    nats.js.errors.ServiceUnavailableError,
    nats.js.errors.NoStreamResponseError,
)


class _Held(msgspec.Struct, frozen=True):
    block: IdBlock
    revision: int


async def open_ingested(jetstream: JetStreamContext, bucket: str, ingestion_id: str) -> "IngestedIds":
    """The ids in this bucket, made where it is missing. Raises: BrokerUnavailable, BrokerRefused."""
    return IngestedIds(await _patiently(lambda: _open_bucket(jetstream, bucket)), ingestion_id)


async def _open_bucket(jetstream: JetStreamContext, bucket: str) -> KeyValue:
    try:
        return await jetstream.key_value(bucket)
    except nats.js.errors.NotFoundError:
        # Without direct reads, which any replica may answer with what was true a moment ago.
        config = KeyValueConfig(bucket=bucket, description="ids of ingested messages", direct=False)
        return await jetstream.create_key_value(config)


class IngestedIds:
    """The bucket as one ingestion sees it. `added` counts the messages that this ingestion was first to mark.

    Raises everywhere: BrokerUnavailable, BrokerRefused.
    """

    def __init__(self, bucket: KeyValue, ingestion_id: str) -> None:
        self.added = 0
        self._bucket = bucket
        self._ingestion_id = ingestion_id
        self._held: OrderedDict[str, _Held] = OrderedDict()
        # What of each block is in `added`, also of those let go: one may be read again.
        self._counted: dict[str, int] = {}

    async def missing(self, messages: Sequence[TelegramMessage]) -> list[TelegramMessage]:
        """Those that are not ingested, once each."""
        keys = {_key(message) for message in messages}
        await all_of(self._read(key) for key in keys if key not in self._held)
        missing = {
            (message.chat.id, message.id): message
            for message in messages
            if not self._held[_key(message)].block.bits & mask_of([message.id])
        }
        self._let_go()
        return list(missing.values())

    async def mark(self, messages: Iterable[TelegramMessage]) -> None:
        """Mark them as ingested."""
        ids: dict[str, list[int]] = {}
        for message in messages:
            ids.setdefault(_key(message), []).append(message.id)
        await all_of(self._mark(key, mask_of(some)) for key, some in ids.items())

    async def _mark(self, key: str, mask: int) -> None:
        if key not in self._held:
            await self._read(key)
        while mask & ~(held := self._held[key]).block.bits:
            block = held.block.adding(mask, self._ingestion_id)
            try:
                self._hold(key, _Held(block, await self._replace(key, block, held.revision)))
            except nats.js.errors.KeyWrongLastSequenceError:
                # Somebody else was faster; or we were ourselves, and the answer was lost.
                await self._read(key)

    async def _read(self, key: str) -> None:
        try:
            entry = await _patiently(lambda: self._bucket.get(key))
            held = _Held(IdBlock.decode(entry.value or b""), entry.revision or 0)
        except nats.js.errors.KeyNotFoundError:
            held = _Held(IdBlock(), 0)
        except msgspec.DecodeError as error:
            raise BrokerRefused(f"{self._bucket} holds something foreign at {key}: {error}") from error
        self._hold(key, held)

    async def _replace(self, key: str, block: IdBlock, revision: int) -> int:
        return await _patiently(lambda: self._bucket.update(key, block.encode(), last=revision))

    def _hold(self, key: str, held: _Held) -> None:
        """Keep what the bucket says, and count what of it is new about this ingestion."""
        count = held.block.added_by.get(self._ingestion_id, 0)
        self.added += count - self._counted.get(key, 0)
        self._counted[key] = count
        self._held[key] = held
        self._held.move_to_end(key)

    def _let_go(self) -> None:
        while len(self._held) > _BLOCKS_HELD:
            self._held.popitem(last=False)

    def __repr__(self) -> str:
        return f"<IngestedIds {self.added} added, {len(self._held)} blocks held>"


def _key(message: TelegramMessage) -> str:
    return block_key(message.chat.id, message.id)


async def _patiently(ask: Callable[[], Awaitable[_T]]) -> _T:
    """The answer of the server, asked again while it is away. Conflicts and missing keys are answers."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            return await ask()
        except _AWAY as error:
            if time.monotonic() > deadline:
                raise BrokerUnavailable(
                    f"the broker did not answer for {_PATIENCE_SECONDS:g} s: {error!r}"
                ) from error
        except (nats.js.errors.KeyNotFoundError, nats.js.errors.KeyWrongLastSequenceError):
            raise
        except nats.js.errors.APIError as error:
            raise BrokerRefused(f"the broker refuses the bucket of ingested ids: {error}") from error
        await asyncio.sleep(_PAUSE_SECONDS)
