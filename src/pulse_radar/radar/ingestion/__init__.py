"""Ingestion: a Telegram export becomes atoms, each message once, however often and wherever it is tried."""

from pulse_radar.radar.ingestion.errors import AgentFailed, ExportBroken, IngestionFailed
from pulse_radar.radar.ingestion.export_file import check_export
from pulse_radar.radar.ingestion.run import PAUSED, Ingestion

__all__ = ["PAUSED", "AgentFailed", "ExportBroken", "Ingestion", "IngestionFailed", "check_export"]
