"""What of a batch is published already, found out from the topics themselves: a relay died, or an answer was lost.

Ids are recognised by a broker for minutes, and a machine may be off for hours. But a relay notes up to where a topic
holds what it published, and publishes each topic's events in order. So what is in doubt is found behind that position,
or is not there; and with an event of a topic all the earlier ones of that topic are there.
"""

import logging
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from pulse_radar.brokers.base import Broker, Draft
from pulse_radar.outbox.ledger import Waiting
from pulse_radar.protocol.codec.events import decode_event
from pulse_radar.protocol.frames import GapReason
from pulse_radar.publishing import Position
from pulse_radar.stream.entry import Gap, StoredEvent

__all__ = ["Destination", "Doubt"]

_log: Final = logging.getLogger("pulse_radar.outbox")

_PAGE: Final = 1_000


class Destination(Protocol):
    """What a relay needs of a `Pulse` or a `Publisher`."""

    @property
    def broker(self) -> Broker: ...

    async def publish_draft(self, draft: Draft, *, expect_last: int | None = None) -> Position: ...

    async def publish_together(self, drafts: Sequence[Draft]) -> list[Position]: ...


class Doubt:
    """What one relay has found out about one turn that began in doubt. Raises: BrokerError."""

    def __init__(self, destination: Destination, positions: Mapping[str, int]) -> None:
        self._destination = destination
        self._positions = positions
        # By topic, the ids behind the position, each with its sequence.
        self._there: dict[str, dict[str, int]] = {}

    async def published(self, batch: Sequence[Waiting]) -> dict[int, int]:
        """The rows of one topic's events that are published already, each with a sequence that is not before it."""
        topic = batch[0].draft.topic
        if topic not in self._there:
            self._there[topic] = await self._read(topic)
        there = self._there[topic]
        found = [index for index, waiting in enumerate(batch) if waiting.draft.id in there]
        if not found:
            return {}
        done = batch[: found[-1] + 1]
        last = max(there[batch[index].draft.id] for index in found)
        return {waiting.row: there.get(waiting.draft.id, last) for waiting in done}

    async def _read(self, topic: str) -> dict[str, int]:
        position = self._positions.get(topic)
        if position is None:
            # Noted before anything is published there: nothing is.
            return {}
        ids: dict[str, int] = {}
        is_whole = True
        while True:
            page = await self._destination.broker.read(topic, after=position, limit=_PAGE)
            for entry in page.entries:
                if isinstance(entry, StoredEvent):
                    ids[decode_event(entry.text).id or ""] = entry.sequence
                elif _hides(entry):
                    is_whole = False
            position = max(position, page.end)
            if position >= page.extent.last or not page.entries:
                break
        if not is_whole:
            _log.warning(
                "%s no longer keeps all that came after %s: what of it waits in the outbox may be published twice",
                topic,
                self._positions[topic],
            )
        return ids

    def __repr__(self) -> str:
        return f"<Doubt about {', '.join(self._there) or 'nothing yet'}>"


def _hides(gap: Gap) -> bool:
    return gap.reason is not GapReason.UNREADABLE
