"""What can be in the way of somebody who wants a job to stop, or to run again.

PulseError
└── JobError
    ├── UnknownJob       nothing is known of such a job, or not any more
    ├── JobIsOver        it ended before it could be stopped
    ├── JobIsNotOver     it is still to end, and cannot run again before
    ├── CannotRetry      nobody here can put it into the queue again; the text says why
    └── WorkerSilent     its worker did not answer in time
"""

from pulse_radar.errors import PulseError

__all__ = ["CannotRetry", "JobError", "JobIsNotOver", "JobIsOver", "UnknownJob", "WorkerSilent"]


class JobError(PulseError):
    """It cannot be done to this job."""


class UnknownJob(JobError):
    """Nothing is known of such a job, or not any more."""


class JobIsOver(JobError):
    """It ended before it could be stopped."""


class JobIsNotOver(JobError):
    """It is still to end, and cannot run again before."""


class CannotRetry(JobError):
    """Nobody here can put it into the queue again."""


class WorkerSilent(JobError):
    """Its worker did not answer in time. It may have heard all the same: the job's events will tell."""
