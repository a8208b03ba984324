"""Centrifugo, published to by its HTTP API: this process becomes the server, and its child drives it from another core.

In production one would give it a token's secret and an API key, which cost it something: here it asks nobody.
"""

import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

import httpx

from benchmarks.peers.driving import EVENT, TOPIC, Data, obey

__all__ = ["main"]


def main(program: str, port: int, load_core: int) -> None:
    config = Path(tempfile.gettempdir()) / f"pulse-radar-benchmark-centrifugo-{port}.json"
    config.write_text(json.dumps(_config(port)))
    if os.fork() == 0:
        # The load's core: what an application spends on publishing is not what the server does.
        os.sched_setaffinity(0, {load_core})
        asyncio.run(_drive(port))
        config.unlink()
        return
    os.execv(program, [program, "--config", str(config)])  # noqa: S606 (what the caller named)


def _config(port: int) -> dict[str, Any]:
    return {
        "http_server": {"address": "127.0.0.1", "port": port},
        "http_api": {"insecure": True},
        # Pings come together with events, and the crowd looks for them alone: fewer than a run is long.
        "client": {"insecure": True, "allowed_origins": ["*"], "ping_interval": "1h"},
        "channel": {
            "without_namespace": {
                "allow_subscribe_for_client": True,
                "allow_subscribe_for_anonymous": True,
            }
        },
        "log": {"level": "error"},
    }


class _Api:
    def __init__(self, port: int) -> None:
        self._http: Final = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api", timeout=30)
        # Asked once: they stay, and the question would cost the server something.
        self._clients = 0

    async def publish(self, events: list[Data]) -> int:
        """Published together, as its documentation says for several."""
        if len(events) == 1:
            await self.publish_to(TOPIC, events[0])
        else:
            await self._ask("batch", {"commands": [{"publish": _in(TOPIC, data)} for data in events]})
        if not self._clients:
            # What its nodes say of themselves is seconds old.
            told = await self._ask("channels", {})
            self._clients = told["result"]["channels"][TOPIC]["num_clients"]
        return len(events) * self._clients

    async def publish_to(self, topic: str, data: Data) -> None:
        await self._ask("publish", _in(topic, data))

    async def _ask(self, what: str, content: dict[str, Any]) -> dict[str, Any]:
        answer = await self._http.post(f"/{what}", json=content)
        answer.raise_for_status()
        told: dict[str, Any] = answer.json()
        assert "error" not in told, told
        return told


def _in(topic: str, data: Data) -> Data:
    return {"channel": topic, "data": {"event": EVENT, "data": data, "id": "0" * 23}}


async def _drive(port: int) -> None:
    server = os.getppid()
    api = _Api(port)
    obeying = asyncio.create_task(obey(api.publish, api.publish_to))
    # Whoever ends the server waits until nobody holds its streams any more.
    while os.getppid() == server and not obeying.done():
        await asyncio.wait([obeying], timeout=0.2)
    obeying.cancel()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
