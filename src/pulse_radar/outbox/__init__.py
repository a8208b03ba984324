"""The transactional outbox: a row and the event that announces it are committed together, or neither is.

`Outbox` is what code writes into, in the transaction of its own rows; a `Relay` in any of the processes publishes what
was committed: in the order of the commits, and each event once, whoever is killed when.
"""

try:
    from pulse_radar.outbox.outbox import Outbox
    from pulse_radar.outbox.relay import Relay, RelayStats
except ModuleNotFoundError as error:
    raise ModuleNotFoundError(
        f'pulse_radar.outbox needs its extra ({error}): pip install "pulse-radar[sqlalchemy]"',
        name=error.name,
    ) from error

__all__ = ["Outbox", "Relay", "RelayStats"]
