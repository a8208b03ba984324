"""`pulse-radar demo`: the whole system for a look: broker, API, worker, samples that are ingested, the dashboard."""

import asyncio
import http.client
import math
import os
import shutil
import signal
import sys
import tempfile
import time
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from pulse_radar.brokers.base import Broker
from pulse_radar.brokers.opening import open_broker
from pulse_radar.cli.children import Child
from pulse_radar.cli.extras import need_radar
from pulse_radar.cli.listening import bind
from pulse_radar.cli.loops import first_of, run
from pulse_radar.cli.options import PortOption
from pulse_radar.errors import InvalidSetting
from pulse_radar.settings import CommandSettings, Settings

__all__ = ["demo", "sample"]

_HOST: Final = "127.0.0.1"

# In a checkout; elsewhere the same sample is generated.
_SAMPLE: Final = Path(__file__).parents[3] / "examples" / "sample-export" / "result.json"
_SAMPLE_MESSAGES: Final = 2_000

# Half a minute of something to see: as fast as it goes it would be over before anybody has looked.
_PACE: Final = 60.0

# So long the sample waits for somebody to watch.
_VISITOR_SECONDS: Final = 4.0
_LOOK_SECONDS: Final = 0.1


def demo(
    port: PortOption = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in your browser.")
    ] = True,
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="Another export than the sample."),
    ] = None,
    pace: Annotated[float, typer.Option(min=1, help="At most so many messages a second.")] = _PACE,
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Keep the data here; else it is gone with the demo.", show_default=False),
    ] = None,
) -> None:
    """Start everything, ingest a sample and show it live on a page. Ctrl-C ends it all."""
    need_radar()
    # Before anything starts: whoever has the port shall be told so, and not by the tenth line of a log.
    with bind(_HOST, CommandSettings.load(port=port).port) as listener:
        free_port = listener.getsockname()[1]
    # There is no other process that the pages could go to.
    os.environ.setdefault("PULSE_DRAIN_SECONDS", "0.5")
    with _directory(data_dir) as directory:
        run(_Demo(free_port, directory, file and file.resolve(), pace, browser=browser).run())


class _Demo:
    """The broker is ours; the API and the worker are processes beside us, replaced when they die."""

    def __init__(self, port: int, directory: Path, file: Path | None, pace: float, *, browser: bool) -> None:
        self._port = port
        self._directory = directory
        # None: samples, one after the other.
        self._file = file
        self._pace = pace
        self._browser = browser
        self._settings = Settings.load(broker="embedded://", data_dir=directory)

    async def run(self) -> None:
        api = self._child("the API", "serve", "--port", str(self._port))
        # What runs here ends before the broker that it uses.
        async with AsyncExitStack() as ends_last, AsyncExitStack() as ends_first:
            # It takes longest to start: the broker is there before it has read its own code.
            await ends_first.enter_async_context(api)
            broker = await ends_last.enter_async_context(open_broker(self._settings, is_owner=True))
            await first_of(_told_to_stop(), api.failed(), self._show(broker))
        typer.echo("All of it has ended.")

    def _child(self, name: str, command: str, *options: str) -> Child:
        place = ("--broker", "embedded://", "--data-dir", str(self._directory))
        return Child(name, (command, *options, *place), self._directory / f"{command}.log")

    async def _show(self, broker: Broker) -> None:
        from pulse_radar.radar.topics import TOPICS

        await broker.declare(TOPICS)
        await self._until(lambda connections: connections is not None)
        url = f"http://{_HOST}:{self._port}"
        typer.echo(f"Pulse Radar is up: {url} (Ctrl-C ends it)")
        # Only now: while it starts it would take the processor from the page.
        async with self._child("the worker", "worker") as worker:
            await first_of(worker.failed(), self._show_ingestion(broker, url))

    async def _show_ingestion(self, broker: Broker, url: str) -> None:
        if self._browser and _has_display():
            await asyncio.to_thread(webbrowser.open, url)
        await self._until(bool, _VISITOR_SECONDS)
        if self._file is not None:
            await self._ingest(broker, self._file)
            await asyncio.Event().wait()
        # For as long as somebody looks there is something to see.
        for seed in count():
            await self._ingest(broker, await asyncio.to_thread(sample, self._directory, seed))

    async def _until(self, is_so: Callable[[int | None], bool], patience_seconds: float = math.inf) -> None:
        """Return when it is so of the number of connected pages; None while the API does not answer."""
        deadline = time.monotonic() + patience_seconds
        while time.monotonic() < deadline:
            if is_so(await asyncio.to_thread(_connections, self._port)):
                return
            await asyncio.sleep(_LOOK_SECONDS)

    async def _ingest(self, broker: Broker, file: Path) -> None:
        from pulse_radar.cli.job_follower import JobFollower
        from pulse_radar.radar.jobs import open_job_queue

        follower = await JobFollower.ready(broker)
        async with open_job_queue(self._settings) as queue:
            job_id = await queue.ingest(file, pace=self._pace)
        typer.echo(f"Ingesting {file}, {self._pace:g} messages a second so that you can watch (--pace)")
        outcome = await follower.follow(job_id, lambda _frame, _text: None)
        if outcome.error is not None:
            typer.echo(f"error: {outcome.error}", err=True)
        elif outcome.progress is not None:
            told = outcome.progress
            typer.echo(f"Ingested {told.done:,} messages: {told.added:,} added. The page stays up.")


@contextmanager
def _directory(data_dir: Path | None) -> Iterator[Path]:
    if data_dir is not None:
        try:
            data_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidSetting(f"--data-dir {data_dir} cannot be made: {error.strerror}") from error
        yield data_dir.absolute()
        return
    directory = Path(tempfile.mkdtemp(prefix="pulse-radar-demo-"))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def sample(directory: Path, seed: int = 0) -> Path:
    """The sample of the checkout, else one that is generated into this directory; another seed has other messages."""
    if seed == 0 and _SAMPLE.is_file():
        return _SAMPLE
    from pulse_radar.testing.telegram_exports import write_export

    path = directory / (f"sample-{seed}.json" if seed else "result.json")
    with path.open("wb") as out:
        write_export(out, messages=_SAMPLE_MESSAGES, seed=seed, full=True)
    return path


async def _told_to_stop() -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()


def _connections(port: int) -> int | None:
    """How many pages are connected; None while the API does not answer."""
    connection = http.client.HTTPConnection(_HOST, port, timeout=1)
    try:
        connection.request("GET", "/health")
        return msgspec.json.decode(connection.getresponse().read(), type=_Health).connections
    except (OSError, http.client.HTTPException, msgspec.DecodeError):
        return None
    finally:
        connection.close()


class _Health(msgspec.Struct):
    connections: int


def _has_display() -> bool:
    # Without one a text browser would take the terminal over.
    return sys.platform == "darwin" or bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys())
