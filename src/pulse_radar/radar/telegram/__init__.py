"""Telegram Desktop's JSON export as a stream of messages, in constant memory.

`read_export` yields each message of a `result.json`; `count_messages` tells beforehand how many there are.
A broken export raises one `ExportError` that says where, what and what to do.
"""

from pulse_radar.radar.telegram.errors import ExportError
from pulse_radar.radar.telegram.reader import ExportReader, ReadingStats, count_messages, read_export
from pulse_radar.radar.telegram.values import (
    Action,
    Chat,
    Checklist,
    Entity,
    Kind,
    Location,
    Media,
    Poll,
    PollAnswer,
    Reaction,
    TelegramMessage,
)

__all__ = [
    "Action",
    "Chat",
    "Checklist",
    "Entity",
    "ExportError",
    "ExportReader",
    "Kind",
    "Location",
    "Media",
    "Poll",
    "PollAnswer",
    "Reaction",
    "ReadingStats",
    "TelegramMessage",
    "count_messages",
    "read_export",
]
