"""The command line: `pulse-radar`, one command a file."""

from pulse_radar.cli.commands import main

__all__ = ["main"]
