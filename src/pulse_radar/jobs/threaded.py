"""A `Worker` for queues without an event loop: a thread runs one for it."""

import asyncio
import atexit
import contextlib
import os
import threading
from concurrent.futures import Future
from datetime import UTC, datetime
from typing import Final

from pulse_radar.jobs.journal import Source
from pulse_radar.jobs.life import Job, JobState, Moment
from pulse_radar.jobs.run import Run
from pulse_radar.jobs.teller import TellerStats
from pulse_radar.jobs.worker import Worker

__all__ = ["ThreadedWorker"]

# Its loop does nothing but this; a machine that does not run it for so long has other troubles.
_TAKE_SECONDS: Final = 1.0
_STOP_SECONDS: Final = 4.0


class ThreadedWorker:
    """Tells of jobs from any thread, and never waits for the network but for the look before a job begins.

    Its thread and connection start with the first job, and again in a forked child. `stopped_by`: what the queue takes
    for "this job is to end and not to be tried again", which `progress.update` raises.
    """

    def __init__(self, source: Source, stopped_by: type[BaseException]) -> None:
        self._source = source
        self._stopped_by = stopped_by
        self._lock = threading.Lock()
        self._thread: _Thread | None = None
        # Of the thread that was closed last.
        self._last = TellerStats(waiting=0, lost=0, is_connected=False)

    def queued(self, task_id: str, name: str, at: datetime) -> None:
        job = Job(task_id=task_id, name=name, moments=(Moment("queued", at),), queued_at=at)
        thread = self._running()
        thread.loop.call_soon_threadsafe(thread.worker.queued, job)

    def take(self, task_id: str, name: str, attempt: int) -> Run:
        """A job was taken up. Raises: TimeoutError."""
        thread = self._running()
        begun = Moment("started", datetime.now(UTC), thread.worker.id)
        taken = Job(task_id=task_id, name=name, attempt=attempt, moments=(begun,))
        taking = asyncio.run_coroutine_threadsafe(
            thread.worker.take(taken, lambda _run: None, stopped_by=self._stopped_by), thread.loop
        )
        return taking.result(_TAKE_SECONDS)

    def ended(self, run: Run, state: JobState, error: BaseException | None = None) -> None:
        thread = self._running()

        def tell() -> None:
            thread.worker.done(run)
            run.end(state, error)

        thread.loop.call_soon_threadsafe(tell)

    def stats(self) -> TellerStats:
        """Of the thread that runs, else of the one that ran last: to look starts none."""
        thread = self._thread
        return self._last if thread is None else thread.worker.stats()

    def close(self) -> None:
        """Tell what is still to be told, if the broker takes it soon, and end the thread."""
        with self._lock:
            thread, self._thread = self._thread, None
        if thread is not None and thread.pid == os.getpid():
            thread.stop()
            self._last = thread.worker.stats()

    def _running(self) -> "_Thread":
        with self._lock:
            if self._thread is None or self._thread.pid != os.getpid():
                self._thread = _Thread(self._source)
                atexit.register(self.close)
            return self._thread

    def __repr__(self) -> str:
        return f"<ThreadedWorker {self._thread.worker if self._thread else 'idle'}>"


class _Thread:
    """A thread with an event loop and a worker in it, of this process."""

    def __init__(self, source: Source) -> None:
        self.pid: Final = os.getpid()
        self.worker: Final = Worker(source)
        self.loop: asyncio.AbstractEventLoop
        self._stopping: asyncio.Event
        self._ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="pulse-jobs", daemon=True)
        self._thread.start()
        self._ready.result()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self.loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(_STOP_SECONDS)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self.loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self.worker.start()
        self._ready.set_result(None)
        await self._stopping.wait()
        await self.worker.stop()
