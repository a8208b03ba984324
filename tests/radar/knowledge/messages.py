"""Messages as tests write them."""

from datetime import UTC, datetime
from typing import Any

from pulse_radar.radar.telegram import Chat, Kind, TelegramMessage

__all__ = ["message"]


def message(text: str = "", **more: Any) -> TelegramMessage:
    given: dict[str, Any] = {
        "chat": Chat(7, "private_group", "Team"),
        "id": 3,
        "kind": Kind.MESSAGE,
        "date": datetime(2024, 3, 4, tzinfo=UTC),
        "sender": "Ann",
    }
    return TelegramMessage(**given | {"text": text} | more)
