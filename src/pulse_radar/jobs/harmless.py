"""Telling of a job is never the job's trouble."""

import contextlib
import logging
from collections.abc import Iterator
from typing import Final

__all__ = ["harmless"]

_log: Final = logging.getLogger("pulse_radar.jobs")


@contextlib.contextmanager
def harmless() -> Iterator[None]:
    """Log whatever goes wrong inside: raised out of a hook, it would leave the job unacknowledged for ever."""
    try:
        yield
    except Exception:  # noqa: BLE001 (it is logged, and nobody could do more)
        _log.exception("a job cannot be told of")
