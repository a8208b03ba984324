"""The Pulse Radar application: Telegram exports become knowledge, live, by background jobs."""
