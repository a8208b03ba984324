"""Telegram Desktop exports made to order: of any size, always the same, with every shape that real ones have.

    python -m pulse_radar.testing.telegram_exports --messages 2000 --seed 7 --out result.json --full

The people, chats and sentences are made up: a team that asks, claims, decides and hands out tasks in
English, Russian and Persian.
"""

from pulse_radar.testing.telegram_exports.writer import write_export

__all__ = ["write_export"]
