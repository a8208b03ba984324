"""How many messages a second are extracted, on one core, of an export as the generator makes it."""

import io
import time
from typing import Final

from pulse_radar.radar.knowledge import extract
from pulse_radar.radar.telegram import TelegramMessage, read_export
from pulse_radar.testing.telegram_exports import write_export

__all__ = ["messages_per_second"]

_MESSAGES: Final = 20_000
_ROUNDS: Final = 3


def messages_per_second() -> float:
    """Of the best round, in seconds of this process's own time: others may use the machine, too."""
    export = io.BytesIO()
    write_export(export, messages=_MESSAGES)
    export.seek(0)
    messages = list(read_export(export))
    return max(_round(messages) for _ in range(_ROUNDS))


def _round(messages: list[TelegramMessage]) -> float:
    began_at = time.process_time()
    extract(messages)
    return len(messages) / (time.process_time() - began_at)
