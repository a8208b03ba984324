"""The transactional outbox: a row and the event that announces it are committed together, or neither is.

`Outbox` is what code writes into, in the transaction of its own rows; a `Relay` in any of the processes publishes what
was committed: in the order of the commits, and each event once, whoever is killed when.
"""

from pulse_radar.outbox.outbox import Outbox
from pulse_radar.outbox.relay import Relay, RelayStats

__all__ = ["Outbox", "Relay", "RelayStats"]
