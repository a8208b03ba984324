"""Why an ingestion ends without having read the whole export.

PulseError
└── IngestionFailed     trying again changes nothing until somebody does what the text says
    ├── ExportBroken    the file is no export, or breaks off: only another one is of use
    └── AgentFailed     the export is as it should be, and whoever was to read it could not
"""

from pulse_radar.errors import PulseError

__all__ = ["AgentFailed", "ExportBroken", "IngestionFailed"]


class IngestionFailed(PulseError):
    """The export cannot be read, or not to its end. What was ingested stays."""


class ExportBroken(IngestionFailed):
    """The file is not an export to its end: it would break again where it broke."""


class AgentFailed(IngestionFailed):
    """The agent or its provider is of no use for now. Nothing is lost: run again, the job goes on where it was."""
