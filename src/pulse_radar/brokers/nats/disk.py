"""Refusing events while the disk of a server on this machine is nearly full.

A nats-server that meets a full disk answers nothing any more, also when there is room again, until it is started anew.
"""

import os
from pathlib import Path
from typing import Final

from pulse_radar.brokers.base import Draft
from pulse_radar.errors import BrokerRefused

__all__ = ["Disk"]

# Less, and the server's own writing could meet the end: it rewrites blocks of 8 MiB, its log takes as much, and what
# other processes publish at the same moment comes on top. More only wastes a small disk.
_RESERVE_BYTES: Final = 32 * 1024 * 1024


class Disk:
    """The disk under a directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()

    def check(self, draft: Draft) -> None:
        """Raises: BrokerRefused, if so little is left that the server itself needs it."""
        left = self._left_bytes()
        if left is not None and left < _RESERVE_BYTES:
            raise BrokerRefused(
                f"the disk of {self._directory} is full: {left} bytes are left, and the server needs "
                f"{_RESERVE_BYTES}. {draft.topic}/{draft.name} was not sent to it: make room, or keep less"
            )

    def _left_bytes(self) -> int | None:
        try:
            disk = os.statvfs(self._directory)
        except OSError:
            # Gone: the server will say what follows from that.
            return None
        return disk.f_bavail * disk.f_frsize

    def __repr__(self) -> str:
        return f"<Disk of {self._directory}, {self._left_bytes()} bytes left>"
