"""What an owner of the embedded server may choose."""

from pathlib import Path

import msgspec

from pulse_radar.errors import InvalidSetting

__all__ = ["DEFAULT_DIRECTORY", "EmbeddedSettings"]

# Relative to the working directory, as `.git` is: each project has its own broker without saying anything.
DEFAULT_DIRECTORY = Path(".pulse")


class EmbeddedSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the embedded server is kept. Where several processes own it, the settings of the serving one hold.

    - `directory`: its data; created if missing, and made absolute as soon as the server object is built.
    - `binary`: the nats-server to run. None: the one installed beside this Python, else the one on PATH.
    - `sync_interval_seconds`: how often what is stored is forced to the disk. 0, the default: before every
      acknowledgement, so that a power cut loses nothing that was acknowledged. Longer is faster (awaited
      publishes 1.8 k/s → 4.5 k/s), and a power cut loses up to that much; a killed server loses nothing.
    - `start_seconds`: how long entering may take, 10 by default. Starting takes well under a second; a large
      store after a crash takes longer, and too small a bound turns that into a failure.
    - `silent_seconds`: how long a server that has answered may answer nobody before it is taken for hung, killed and
      started anew, 15 by default. Too small and a busy machine restarts a healthy one, or one that somebody debugs; too
      large and clients are sent away (30 s) before it is back.
    - `stop_seconds`: how long the server may take to stop before it is killed, 5 by default. Too small and
      the next start has to scan the store; too large and a hung server delays the next owner.
    """

    directory: Path = DEFAULT_DIRECTORY
    binary: Path | None = None
    sync_interval_seconds: float = 0.0
    start_seconds: float = 10.0
    silent_seconds: float = 15.0
    stop_seconds: float = 5.0

    def __post_init__(self) -> None:
        if "\0" in str(self.directory):
            raise InvalidSetting("directory holds a zero byte")
        if self.sync_interval_seconds != 0 and not 0.001 <= self.sync_interval_seconds <= 3600:
            raise InvalidSetting(
                f"sync_interval_seconds is {self.sync_interval_seconds}; it is 0 (always), or 0.001 to 3600"
            )
        for name, seconds in (
            ("start", self.start_seconds),
            ("silent", self.silent_seconds),
            ("stop", self.stop_seconds),
        ):
            if not 0.1 <= seconds <= 600:
                raise InvalidSetting(f"{name}_seconds is {seconds}; it is 0.1 to 600")
