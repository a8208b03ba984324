"""Why an ingestion ends without having read the whole export.

PulseError
└── IngestionFailed    trying again changes nothing until somebody does what the text says
"""

from pulse_radar.errors import PulseError

__all__ = ["IngestionFailed"]


class IngestionFailed(PulseError):
    """The export cannot be read, or not to its end. What was ingested stays."""
