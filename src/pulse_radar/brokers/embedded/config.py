"""The configuration that the server is started with."""

from pulse_radar.brokers.embedded.kept import HOST, Kept

__all__ = ["LOG_FILE", "config_text"]

LOG_FILE = "nats-server.log"

# Bounded by the server itself: this file and one before it.
LOG_LIMIT_BYTES = 4 * 1024 * 1024


def config_text(kept: Kept, sync_interval_seconds: float) -> str:
    """The file, in the server's own language.

    Paths are relative to the server's working directory, the data directory: no name ever needs quoting, and
    there is no limit to its length.

    A stream reserves its whole `max_bytes` of `max_file_store`, whose default is a share of the free disk: on
    a small disk a few topics could not even be declared. That the disk is full is noticed before (`nats/disk.py`).
    """
    sync = f"{sync_interval_seconds * 1000:.0f}ms" if sync_interval_seconds else "always"
    return f"""\
# Written by Pulse Radar at each start: changes made here are lost.
server_name: "{kept.server_name}"
listen: "{HOST}:{kept.port}"
authorization {{ token: "{kept.token}" }}
jetstream {{
  store_dir: "."
  sync_interval: {sync}
  max_file_store: 1TB
}}
log_file: "{LOG_FILE}"
logfile_size_limit: {LOG_LIMIT_BYTES}
logfile_max_num: 2
logtime_utc: true
"""
