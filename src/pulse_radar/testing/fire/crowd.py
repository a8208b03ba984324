"""A process full of clients: python -m pulse_radar.testing.fire.crowd FOLDER NUMBER

It may be killed at any moment; started again, its clients go on where their logbooks end. It ends by itself, with 0,
when each of them was served once more after all of them had come as far as everything goes.
"""

import asyncio
import sys
from random import Random
from typing import Final

import uvloop

from pulse_radar.testing.fire.client import Client
from pulse_radar.testing.fire.orders import Folder
from pulse_radar.testing.fire.shape import following

__all__: list[str] = []

# How much a client that is killed forgets: what it did not write down it has not done.
_FLUSH_SECONDS: Final = 0.1

# Something superfluous may still come; and a process that has its broker back notices keys that vanished without a
# word, by looking three times, a second apart.
_LINGER_SECONDS: Final = 5.0


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
        self._following: dict[Client, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Follow until everything is at rest."""
        self._following = {client: asyncio.create_task(client.run()) for client in self._clients}
        try:
            while (positions := self._folder.ending()) is None:
                await self._breathe()
            late = set(self._clients)
            while late:
                await self._breathe()
                late -= {client for client in late if client.is_at_rest(positions)}
            for _ in range(round(_LINGER_SECONDS / _FLUSH_SECONDS)):
                await self._breathe()
            while self._following:
                for client in [client for client in self._following if client.is_at_rest(positions)]:
                    await _cancel(self._following.pop(client))
                await self._breathe()
        finally:
            await _cancel(*self._following.values())
            for client in self._clients:
                client.logbook.close()

    async def _breathe(self) -> None:
        await asyncio.sleep(_FLUSH_SECONDS)
        for task in self._following.values():
            if task.done():
                task.result()
        for client in self._clients:
            client.logbook.flush()

    def __repr__(self) -> str:
        return f"<Crowd of {len(self._clients)}, {len(self._following)} following>"


async def _cancel(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


if __name__ == "__main__":
    uvloop.run(Crowd(Folder.of(sys.argv[1]), int(sys.argv[2])).run())
