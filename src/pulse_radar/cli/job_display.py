"""How a running job looks: a moving bar for a person, lines of JSON for a program."""

from types import TracebackType
from typing import Self

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from pulse_radar.cli.job_follower import Outcome
from pulse_radar.jobs.events import JobLost, JobRetrying, JobStarted
from pulse_radar.protocol.frames import EventFrame
from pulse_radar.radar.events import IngestionProgress

__all__ = ["JobDisplay", "make_display"]


class JobDisplay:
    """What is said of a job when nobody looks; made to be looked at by the others here."""

    def __init__(self) -> None:
        self.job_id: str | None = None
        self._is_started = False

    def queued(self, job_id: str) -> None:
        self.job_id = job_id

    def nobody(self) -> None:
        """Called after a while: say so, if no worker took the job."""
        if not self._is_started:
            typer.echo("waiting for a worker: start one with `pulse-radar worker`", err=True)

    def leave(self) -> None:
        """Whoever looked goes; the job does not."""
        if self.job_id is not None:
            typer.echo(f"The job goes on. Follow it with: pulse-radar tail messages/{self.job_id}", err=True)

    def heard(self, frame: EventFrame, text: str) -> None:
        self._is_started = self._is_started or _is_of_a_worker(frame)
        self.show(frame, text)

    def show(self, frame: EventFrame, text: str) -> None:
        """Show an event of the job."""

    def ended(self, outcome: Outcome) -> None:
        """Say how it ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""


class _Lines(JobDisplay):
    """One JSON object a line: first the job's id, then its events as they are on the wire."""

    def queued(self, job_id: str) -> None:
        super().queued(job_id)
        typer.echo(msgspec.json.encode({"job": job_id}))

    def show(self, frame: EventFrame, text: str) -> None:
        typer.echo(text)


class _Bar(JobDisplay):
    """A bar on stderr; the result on stdout."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self._file = file
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}", markup=False),
            console=Console(stderr=True),
        )
        self._bar = self._progress.add_task(f"{file}: queued", total=None, speed="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def queued(self, job_id: str) -> None:
        super().queued(job_id)
        typer.echo(f"queued as {job_id}")

    def show(self, frame: EventFrame, text: str) -> None:
        if frame.name == IngestionProgress.NAME:
            self._move(IngestionProgress.model_validate(frame.data))
        elif frame.name == JobRetrying.NAME:
            self._progress.update(self._bar, description=f"{self._file}: waits for another attempt")
        elif frame.name == JobLost.NAME:
            self._progress.update(self._bar, description=f"{self._file}: its worker is gone")

    def ended(self, outcome: Outcome) -> None:
        told = outcome.progress
        if outcome.error is None and told is not None:
            typer.echo(
                f"{self._file}: {told.done:,} messages, {told.added:,} added, "
                f"{told.skipped:,} were there already, {told.rate:,.0f} a second"
            )

    def _move(self, told: IngestionProgress) -> None:
        eta = "" if told.eta_seconds is None else f", {told.eta_seconds:.0f} s to go"
        self._progress.update(
            self._bar,
            description=_description(told, self._file),
            completed=told.done,
            total=told.total,
            speed=f"{told.rate:,.0f} a second{eta}",
        )


def _is_of_a_worker(frame: EventFrame) -> bool:
    """Whether a worker has it. That it waits for one is told, too."""
    if frame.name == IngestionProgress.NAME:
        return IngestionProgress.model_validate(frame.data).status != "queued"
    return frame.name == JobStarted.NAME


def _description(told: IngestionProgress, file: str) -> str:
    if told.chat is None or told.status == "paused":
        return f"{file}: {told.status}"
    return told.chat


def make_display(file: str, *, as_json: bool) -> JobDisplay:
    return _Lines() if as_json else _Bar(file)
