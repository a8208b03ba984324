"""What a command needs that may not be installed."""

from importlib.util import find_spec

from pulse_radar.errors import PulseError

__all__ = ["ExtraMissing", "need_radar"]


class ExtraMissing(PulseError):
    """A part of Pulse Radar that this command needs is not installed."""


def need_radar() -> None:
    """Raises: ExtraMissing, where the application with its jobs cannot run."""
    if find_spec("taskiq_nats") is None or find_spec("nats") is None:
        raise ExtraMissing(
            'the Pulse Radar application is not installed: pip install "pulse-radar[radar]", '
            "or serve an app of your own: pulse-radar serve module:app"
        )
