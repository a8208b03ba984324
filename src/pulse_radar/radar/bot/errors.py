"""Why the Bot API does not help.

PulseError
├── BotRefused    no later call will fare better: somebody has to do what the text says
└── BotAway       a later one may
"""

from pulse_radar.errors import PulseError

__all__ = ["BotAway", "BotRefused"]


class BotRefused(PulseError):
    """Telegram does not know the bot."""


class BotAway(PulseError):
    """It is not to be reached, or has something against this call. Units: `retry_after` seconds, where it says so."""

    def __init__(self, text: str, retry_after: float | None = None) -> None:
        super().__init__(text)
        self.retry_after = retry_after
