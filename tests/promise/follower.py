"""A client that keeps to docs/PROTOCOL.md, loses its connection all the time, and writes down what it got."""

import asyncio
import json
import random
from collections import Counter, defaultdict
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake


class Follower:
    """Follows topics from the beginning over whichever API process it finds."""

    def __init__(self, ports: list[int], topics: tuple[str, ...], *, cuts: list[int], seed: int) -> None:
        """`cuts`: after so many events in all it cuts its own connection."""
        self._ports = ports
        self._random = random.Random(seed)
        self._cuts = list(cuts)
        # Its cursor per topic; before the first frame it asks for everything that is kept.
        self.cursor: dict[str, int] = dict.fromkeys(topics, 0)
        self.seen: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.gaps: list[dict[str, Any]] = []
        self.events = 0
        self.connections = 0
        # How its connections ended, where the server said so.
        self.closes: Counter[int] = Counter()
        self.cuts_made = 0

    async def run(self) -> None:
        while True:
            try:
                await self._follow(self._random.choice(self._ports))
            except ConnectionClosed as end:
                self.closes[end.rcvd.code if end.rcvd else 1006] += 1
            except (OSError, TimeoutError, InvalidHandshake):
                await asyncio.sleep(self._random.uniform(0, 0.1))

    async def _follow(self, port: int) -> None:
        cursor = ",".join(f"{topic}:{sequence}" for topic, sequence in self.cursor.items())
        url = f"ws://127.0.0.1:{port}/ws?topics={','.join(self.cursor)}&lastSeq={cursor}"
        async with connect(url, proxy=None, open_timeout=3, close_timeout=1, max_queue=64) as socket:
            self.connections += 1
            while True:
                # A frozen process is a dead one to its clients.
                frame = json.loads(await asyncio.wait_for(socket.recv(), 3))
                self._heed(frame)
                if self._cuts and self.events >= self._cuts[0]:
                    self._cuts.pop(0)
                    self.cuts_made += 1
                    socket.transport.abort()
                    return

    def _heed(self, frame: dict[str, Any]) -> None:
        if "_seq" in frame:
            self._take(frame["topic"], frame["_seq"], frame["id"])
        elif frame["type"] == "gap":
            self.gaps.append(frame["data"])
            self.cursor[frame["data"]["topic"]] = frame["data"]["to"]
        elif frame["type"] == "subscription":
            self.cursor[frame["data"]["topic"]] = frame["data"]["seq"]

    def _take(self, topic: str, sequence: int, event_id: str) -> None:
        self.events += 1
        self.seen[topic].append((sequence, event_id))
        self.cursor[topic] = sequence
