"""A process that runs jobs: what it says of them, and what others ask of it."""

import logging
import secrets
from collections.abc import Callable
from typing import Any, Final

import msgspec

from pulse_radar.jobs.journal import NOTHING, Journal, Source
from pulse_radar.jobs.life import Job
from pulse_radar.jobs.run import Run
from pulse_radar.jobs.stopped import Stopped
from pulse_radar.jobs.teller import Note, Teller, TellerStats
from pulse_radar.this_process import name_of_this_process

__all__ = ["CANCEL", "RUNS", "Worker"]

_log: Final = logging.getLogger("pulse_radar.jobs")

# What a worker is asked: which of these jobs it runs, and to stop one of them.
RUNS: Final = "runs"
CANCEL: Final = "cancel"

# Characters of the host's name in an id.
_HOST_LENGTH: Final = 64


class CancelRequest(msgspec.Struct, frozen=True):
    """To stop a job."""

    task_id: str
    reason: str | None = None


class Worker:
    """Tells of the jobs of this process, and answers for them under its `id`.

    Without an event loop of its own: `start` and everything after it belong to the loop that runs it.
    """

    def __init__(self, source: Source, **limits: int) -> None:
        self.id: Final = _worker_id()
        self._teller = Teller(source, **limits)
        self._teller.when_connected(self._answer)
        self._runs: set[Run] = set()

    def start(self) -> None:
        self._teller.start()

    async def stop(self) -> None:
        await self._teller.stop()

    def queued(self, job: Job) -> None:
        """A job was put into the queue; it may be at work already."""
        # Behind nothing: whatever is known of it is newer.
        self._teller.tell(
            Note(job.task_id, "queued", lambda known: [job] if known is None else (), lambda: NOTHING)
        )

    async def take(
        self, taken: Job, stop: Callable[[Run], object], *, stopped_by: type[BaseException] = Stopped
    ) -> Run:
        """A job was taken up. It is not to run where it `is_refused`; `stopped_by`: what its `update` raises then.

        Cost: one question to the broker, 50 ms at most, and none while the broker is away.
        """
        seen = await self._teller.look(taken.task_id)
        run = Run(taken, self._teller, stop, stopped_by)
        self._runs.add(run)
        run.begin(seen)
        return run

    def done(self, run: Run) -> None:
        """The run came to its end, which it told itself."""
        self._runs.discard(run)

    def stats(self) -> TellerStats:
        return self._teller.stats()

    def __repr__(self) -> str:
        return f"<Worker {self.id}, {len(self._runs)} at work, {self._teller!r}>"

    async def _answer(self, journal: Journal) -> None:
        await journal.broker.answer(self.id, self._asked)

    def _asked(self, verb: str, content: bytes) -> bytes:
        try:
            return msgspec.json.encode(self._answer_to(verb, content))
        except msgspec.DecodeError as error:
            _log.warning("asked something foreign: %s", error)
            return b"null"

    def _answer_to(self, verb: str, content: bytes) -> Any:
        match verb:
            case "runs":
                here = {run.task_id for run in self._runs}
                return [
                    task_id for task_id in msgspec.json.decode(content, type=list[str]) if task_id in here
                ]
            case "cancel":
                request = msgspec.json.decode(content, type=CancelRequest)
                meant = [run for run in self._runs if run.task_id == request.task_id and not run.has_ended]
                for run in meant:
                    run.cancel(request.reason)
                return bool(meant)
            case _:
                return None


def _worker_id() -> str:
    """Host and process, and a word by chance: containers have the same process id again and again."""
    return f"{name_of_this_process(_HOST_LENGTH)}:{secrets.token_hex(3)}"
