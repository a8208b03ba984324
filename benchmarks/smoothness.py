"""Ten thousand events in one second, in a list of a hundred rows: how smooth a page stays, with our hook and by hand.

    python -m benchmarks.smoothness [--rounds 9]

In Chromium. The server is none of ours: it has every frame ready in memory and sends a hundred each hundredth of a
second, so that it is the page alone which may be late. A task is long from 50 ms on. What the machine can draw at all
shows the page that makes its events itself. How many frames a page draws is a matter of how busy the machine is; what
its scripts take of the processor, React's among them, is not.
"""

import argparse
import asyncio
import contextlib
import json
import statistics
import subprocess
from collections.abc import AsyncIterator
from functools import cache
from http import HTTPStatus
from typing import Final, NamedTuple

import msgspec
from playwright.async_api import Browser, CDPSession
from tests.browser.chromium import chromium
from tests.browser.client_page import PATIENCE_MS, WEB
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from benchmarks.results import show_table
from pulse_radar.protocol.codec import EventBody, encode_event, encode_server
from pulse_radar.protocol.frames import Connected, Subscribed
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.batch import Batch

__all__ = ["measure"]

EVENTS: Final = 10_000
SLICES: Final = 100

# The page is there, and has drawn what it shows before the first event.
_SETTLED_SECONDS: Final = 0.5

PAGES: Final = {
    "without a network": "alone",
    "by hand": "byHand",
    "by hand, joined": "byHandJoined",
    "useTopic": "ours",
}


class Watched(NamedTuple):
    """What a page was like in the second in which the events came."""

    frames: int
    long_tasks: int
    # From the first event to the last, as the page was told of them: a second if it kept up.
    milliseconds: float
    server_late_ms: float
    script_ms: float


def _message(text: bytes) -> bytes:
    return Frame(Opcode.TEXT, text).serialize(mask=False)


def _event(sequence: int) -> bytes:
    """The text of an event's frame."""
    data = json.dumps({"id": f"a{sequence}", "title": f"Atom {sequence}", "confidence": 0.93}).encode()
    return encode_event("knowledge", sequence, EventBody("atom_created", msgspec.Raw(data)))


class Firehose:
    """A server which has everything ready that it is going to say."""

    def __init__(self) -> None:
        feed = Feed.parse("knowledge")
        self._greeting = _message(encode_server(Connected("c1", (feed,), {feed: 0}, 20, 30)))
        self._greeting += _message(encode_server(Subscribed(feed, 0, 0)))
        size = EVENTS // SLICES
        batches = [
            Batch([_event(sequence) for sequence in range(first, first + size)])
            for first in range(1, EVENTS, size)
        ]
        self._slices = [batch.wire for batch in batches]
        self._joined_slices = [batch.joined.wire for batch in batches]
        # By how much the last slice was late.
        self.late_ms = 0.0

    async def flood(self, connection: ServerConnection) -> None:
        transport, loop = connection.transport, asyncio.get_running_loop()
        assert connection.request is not None
        slices = self._joined_slices if "joined=1" in connection.request.path else self._slices
        transport.write(self._greeting)
        await asyncio.sleep(_SETTLED_SECONDS)
        begun = loop.time()
        for number, each in enumerate(slices):
            await asyncio.sleep(begun + number / SLICES - loop.time())
            transport.write(each)
        self.late_ms = (loop.time() - begun - (SLICES - 1) / SLICES) * 1_000
        await connection.wait_closed()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port where it does so at `/ws`, and has an empty page elsewhere."""
        async with serve(self.flood, "127.0.0.1", 0, process_request=_page_or_socket) as server:
            yield _port_of(server)

    def __repr__(self) -> str:
        return f"<Firehose of {EVENTS} events, {self.late_ms:.0f} ms late>"


def _page_or_socket(connection: ServerConnection, request: Request) -> Response | None:
    return None if request.path.startswith("/ws") else connection.respond(HTTPStatus.OK, "")


def _port_of(server: Server) -> int:
    port: int = next(iter(server.sockets)).getsockname()[1]
    return port


@cache
def _page() -> str:
    command = [
        str(WEB / "node_modules" / ".bin" / "esbuild"),
        "tests/browser/rows.tsx",
        *("--bundle", "--minify", "--jsx=automatic", '--define:process.env.NODE_ENV="production"'),
    ]
    return subprocess.check_output(command, text=True, cwd=WEB / "client")  # noqa: S603 (ours)


async def _script_ms(session: CDPSession) -> float:
    """What scripts took of the processor so far."""
    metrics = (await session.send("Performance.getMetrics"))["metrics"]
    seconds: float = next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration")
    return seconds * 1_000


async def _watch(browser: Browser, firehose: Firehose, port: int, page_name: str) -> Watched:
    page = await browser.new_page()
    session = await page.context.new_cdp_session(page)
    await page.goto(f"http://127.0.0.1:{port}/")
    await page.add_script_tag(content=_page())
    await session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before_ms = await _script_ms(session)
    await page.evaluate("(name) => start(name)", page_name)
    await page.wait_for_function(f"seen.events === {EVENTS}", timeout=PATIENCE_MS)
    await page.wait_for_function("document.body.children.length === 100", timeout=PATIENCE_MS)
    script_ms = await _script_ms(session) - before_ms
    begun, ended, frames, long_tasks = await page.evaluate(
        "[seen.from, seen.to, seen.frames, seen.longTasks]"
    )
    await page.close()
    return Watched(
        sum(begun <= at < begun + 1_000 for at in frames),
        long_tasks,
        ended - begun,
        firehose.late_ms,
        script_ms,
    )


async def measure(rounds: int) -> dict[str, list[Watched]]:
    """Of each page so many rounds, in turns, because a machine is not the same from minute to minute."""
    figures: dict[str, list[Watched]] = {name: [] for name in PAGES}
    firehose = Firehose()
    async with firehose.listening() as port, chromium() as browser:
        for _ in range(rounds):
            for name, page_name in PAGES.items():
                figures[name].append(await _watch(browser, firehose, port, page_name))
    return figures


def _show(figures: dict[str, list[Watched]]) -> None:
    rows = [
        (name, *(f"{statistics.median(column):,.0f}" for column in zip(*rounds, strict=True)))
        for name, rounds in figures.items()
    ]
    columns = ("page", "frames", "long tasks", "first to last, ms", "server late, ms", "scripts, ms")
    show_table("the second in which ten thousand events came", columns, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    _show(asyncio.run(measure(parser.parse_args().rounds)))


if __name__ == "__main__":
    main()
