"""A process full of clients: python -m pulse_radar.testing.fire.crowd FOLDER NUMBER

It may be killed at any moment; started again, its clients go on where their logbooks end. It ends by itself, with 0,
when all of them have come as far as everything goes.
"""

import asyncio
import sys
from collections.abc import Mapping
from random import Random
from typing import Final

import uvloop

from pulse_radar.testing.fire.client import Client
from pulse_radar.testing.fire.orders import Folder
from pulse_radar.testing.fire.shape import following

__all__: list[str] = []

# How much a client that is killed forgets: what it did not write down it has not done.
_FLUSH_SECONDS: Final = 0.1

# At rest something superfluous may still come.
_LINGER_SECONDS: Final = 1.5


class Crowd:
    """Every so many-th client of the run."""

    def __init__(self, folder: Folder, number: int) -> None:
        orders = folder.take()
        numbers = range(number, orders.shape.clients, orders.shape.crowds)
        self._folder = folder
        self._clients = [
            Client(orders.links, following(client), folder.client(client), Random(f"{orders.seed} {client}"))  # noqa: S311
            for client in numbers
        ]

    async def run(self) -> None:
        """Follow until everything is at rest."""
        following = [asyncio.create_task(client.run()) for client in self._clients]
        try:
            while not self._is_at_rest(self._folder.ending()):
                await self._breathe(following)
            for _ in range(round(_LINGER_SECONDS / _FLUSH_SECONDS)):
                await self._breathe(following)
        finally:
            for task in following:
                task.cancel()
            await asyncio.gather(*following, return_exceptions=True)
            for client in self._clients:
                client.logbook.close()

    async def _breathe(self, following: list[asyncio.Task[None]]) -> None:
        done, _ = await asyncio.wait(following, timeout=_FLUSH_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
        for client in self._clients:
            client.logbook.flush()

    def _is_at_rest(self, positions: Mapping[str, int] | None) -> bool:
        return positions is not None and all(client.reaches(positions) for client in self._clients)

    def __repr__(self) -> str:
        return f"<Crowd of {len(self._clients)}>"


if __name__ == "__main__":
    uvloop.run(Crowd(Folder.of(sys.argv[1]), int(sys.argv[2])).run())
