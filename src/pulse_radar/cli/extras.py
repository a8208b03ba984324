"""What a command needs that may not be installed."""

from importlib.util import find_spec
from typing import Final

from pulse_radar.errors import PulseError

__all__ = ["ExtraMissing", "has_radar", "need_radar"]

# One of each group of packages that come together.
_OF_RADAR: Final = ("nats", "taskiq_nats", "aiosqlite", "alembic", "cryptography", "psutil")


class ExtraMissing(PulseError):
    """A part of Pulse Radar that this command needs is not installed."""


def has_radar() -> bool:
    """Whether the application with its jobs can run."""
    return all(find_spec(module) is not None for module in _OF_RADAR)


def need_radar() -> None:
    """Raises: ExtraMissing, where the application with its jobs cannot run."""
    if not has_radar():
        raise ExtraMissing(
            'the Pulse Radar application is not installed: pip install "pulse-radar[radar]", '
            "or serve an app of your own: pulse-radar serve module:app"
        )
