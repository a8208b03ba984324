"""What it costs and how fast it is: absolute figures of one machine, and ratios within one run."""
