"""Why an ingestion ends without having read the whole export.

PulseError
└── IngestionFailed    trying again changes nothing until somebody does what the text says
    └── AgentFailed    the export is as it should be, and whoever was to read it could not
"""

from pulse_radar.errors import PulseError

__all__ = ["AgentFailed", "IngestionFailed"]


class IngestionFailed(PulseError):
    """The export cannot be read, or not to its end. What was ingested stays."""


class AgentFailed(IngestionFailed):
    """The agent or its provider is of no use for now. Nothing is lost: run again, the job goes on where it was."""
