"""What a job says of itself while it runs."""

import asyncio
from collections.abc import Generator
from typing import Final, Self

from pulse_radar.jobs.run import Run, current_run

__all__ = ["JobProgress"]


class _Turn:
    """Awaited in the event loop, it lets others run; in a thread nobody awaits it, and nothing is left over."""

    def __await__(self) -> Generator[None, None, None]:
        return asyncio.sleep(0).__await__()


_TURN: Final = _Turn()


class JobProgress:
    """How far the job is that this runs in: a dependency of TaskIQ, or made anywhere inside of a job.

    Where no job runs, as in a test of the function alone, it says nothing.

    Example:
        @broker.task
        async def ingest(path: str, progress: Annotated[JobProgress, TaskiqDepends()]) -> None:
            await progress.update(3, total=10, message="reading")   # in a plain `def` without the await
    """

    def __init__(self) -> None:
        self._run: Run | None = current_run.get()

    def update(self, done: float, total: float | None = None, message: str | None = None) -> _Turn:
        """So much is done, of `total`. Never waits for the network; the newest is told, ten times a second at most.

        What is not given stays as it was told before.
        Raises: Stopped, when the job was cancelled.
        """
        if self._run is not None:
            self._run.update(done, total, message)
        return _TURN

    @property
    def is_stopping(self) -> bool:
        """Whether the job is asked to stop."""
        return self._run is not None and self._run.is_stopping

    @property
    def reason(self) -> str | None:
        """Why it is asked to stop, where that was said."""
        return None if self._run is None else self._run.reason

    @property
    def attempt(self) -> int:
        """Which attempt this is, from 1, as far as is known."""
        return 1 if self._run is None else self._run.attempt

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        # Into another process, of a pool, it goes without a voice.
        return type(self), ()

    def __repr__(self) -> str:
        return f"<JobProgress of {self._run!r}>"
