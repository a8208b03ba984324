"""What `pulse-radar doctor` looks at: a file for each thing that can be ill, each telling findings."""
