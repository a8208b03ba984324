"""For tests of your own: an app's live layer in memory, brokers held to their contract, faults on demand."""

from pulse_radar.testing.app_client import AppClient, NothingCame, connect

__all__ = ["AppClient", "NothingCame", "connect"]
