"""A child that ends when its parent does, however the parent ends: its standard input is a pipe from there."""

import os
import signal
import sys
import threading

__all__ = ["hold_lifeline"]


def hold_lifeline() -> None:
    """Send ourselves SIGTERM when standard input ends: then there is no parent any more."""
    threading.Thread(target=_wait, name="lifeline", daemon=True).start()


def _wait() -> None:
    while os.read(sys.stdin.fileno(), 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
