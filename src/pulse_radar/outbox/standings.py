"""Where each topic stands before anything of an outbox is in it, noted before the first event of it goes out."""

import time
from collections.abc import Iterable

from pulse_radar.outbox.doubt import Destination, Doubt
from pulse_radar.outbox.ledger import Ledger
from pulse_radar.outbox.obstacles import NOT_NOW, Obstacles

__all__ = ["Standings"]


class Standings:
    """Up to where topics hold what is not in doubt. Raises: BrokerError, SQLAlchemyError."""

    def __init__(self, ledger: Ledger, destination: Destination, obstacles: Obstacles) -> None:
        self._ledger = ledger
        self._destination = destination
        self._obstacles = obstacles
        # As they were noted when they were last read: relays only ever move them on.
        self._positions: dict[str, int] = {}

    async def doubt(self) -> Doubt:
        """What to find out with for a turn that begins in doubt."""
        self._positions = await self._ledger.positions()
        return Doubt(self._destination, self._positions)

    async def know(self, topics: Iterable[str]) -> None:
        """Have it noted of each of these topics; one that cannot say is held up."""
        unknown = set(topics) - self._positions.keys()
        if not unknown:
            return
        self._positions = await self._ledger.positions()
        new = {}
        for topic in unknown - self._positions.keys():
            try:
                new[topic] = (await self._destination.broker.extent(topic)).last
            except NOT_NOW as error:
                self._obstacles.hold_up(topic, error, time.monotonic())
        await self._ledger.begin_at(new)
        self._positions |= new

    def __repr__(self) -> str:
        return f"<Standings of {len(self._positions)} topics>"
