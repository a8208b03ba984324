"""`python -m pulse_radar.cli` is `pulse-radar`."""

from pulse_radar.cli.commands import main

main()
