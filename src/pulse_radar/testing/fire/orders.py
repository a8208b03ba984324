"""What the processes of a run are told: one file in the run's folder, and where everything else lies there."""

from pathlib import Path
from typing import Self

import msgspec

from pulse_radar.testing.fire.shape import Shape

__all__ = ["Folder", "Orders"]


class Orders(msgspec.Struct, frozen=True):
    """The same for all processes. `links`: the ports over which clients reach the API processes."""

    seed: int
    shape: Shape
    links: tuple[int, ...] = ()


class Folder:
    """The folder of a run: orders, logbooks, and what the processes printed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for part in ("clients", "workers", "output"):
            (path / part).mkdir(parents=True, exist_ok=True)

    def client(self, number: int) -> Path:
        return self.path / "clients" / f"client-{number:04}.log"

    def worker(self, number: int, incarnation: int) -> Path:
        return self.path / "workers" / f"worker-{number}.{incarnation}.log"

    @property
    def workers(self) -> list[Path]:
        """The logbooks of all workers that ever lived."""
        return sorted((self.path / "workers").iterdir())

    def output(self, name: str) -> Path:
        return self.path / "output" / f"{name}.txt"

    @property
    def damage(self) -> Path:
        return self.path / "damage.log"

    def give(self, orders: Orders) -> None:
        (self.path / "orders.json").write_bytes(msgspec.json.encode(orders))

    def take(self) -> Orders:
        return msgspec.json.decode((self.path / "orders.json").read_bytes(), type=Orders)

    def end(self, positions: dict[str, int]) -> None:
        """Tell the clients how far everything goes, by feed: whoever is there is at rest."""
        partial = self._end.with_suffix(".partial")
        partial.write_bytes(msgspec.json.encode(positions))
        partial.rename(self._end)

    def ending(self) -> dict[str, int] | None:
        """What `end` told, None before."""
        return (
            msgspec.json.decode(self._end.read_bytes(), type=dict[str, int]) if self._end.exists() else None
        )

    @property
    def _end(self) -> Path:
        return self.path / "end.json"

    @classmethod
    def of(cls, path: str) -> Self:
        return cls(Path(path))

    def __repr__(self) -> str:
        return f"<Folder {self.path}>"
