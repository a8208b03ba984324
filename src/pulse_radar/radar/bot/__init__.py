"""A Telegram bot that reads along: what is said where it is goes the way of an export's messages, live."""

from pulse_radar.radar.bot.errors import BotAway, BotRefused
from pulse_radar.radar.bot.follow import follow_bot

__all__ = ["BotAway", "BotRefused", "follow_bot"]
