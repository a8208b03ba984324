"""The promise under fire: real servers and processes, hundreds of clients, faults by a plan, and a judge.

`python -m pulse_radar.testing.fire` kills, stops, cuts and restarts everything, then proves from the clients' logbooks
that what was published is what they saw and what they were told to be missing.

- `shape`, `plan`: how large, and what happens when; pure functions of a seed.
- `logbook`, `objection`: what everyone writes down, and what a judge says. `truth`, `streams`: what was published.
  `judge`, `state_judge`, `hearing`: whether the promise was kept; pure.
- `follower`, `patience`: a client after docs/PROTOCOL.md, written without the product's own code, which it judges.
- `orders`, `wire`, `client`, `crowd`, `worker`, `app`: the processes. `processes`, `network`, `scene`, `faults`: where
  they run, and what befalls them.
- `run`, `recovery`, `verdict`, `report`: from a seed to a table.
"""
