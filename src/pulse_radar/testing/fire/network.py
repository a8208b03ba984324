"""The faulty network of a run: between clients and API processes, and between all of these and the broker."""

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from pulse_radar.testing.faulty_link import FaultyLink
from pulse_radar.testing.fire.logbook import Damaged, Logbook
from pulse_radar.testing.fire.orders import Folder

__all__ = ["Network", "Uplink"]


class Uplink:
    """How one process reaches the broker: a link to each of its servers."""

    def __init__(self, links: list[FaultyLink]) -> None:
        self.links = links

    @property
    def url(self) -> str:
        return ",".join(f"nats://127.0.0.1:{link.port}" for link in self.links)

    def __repr__(self) -> str:
        return f"<Uplink {self.links}>"


class Network:
    """All links of a run."""

    def __init__(
        self, api_ports: list[int], links_per_api: int, broker_ports: list[int], uplinks: int, folder: Folder
    ) -> None:
        # Those of one API process lie side by side.
        self.links = [FaultyLink(port) for port in api_ports for _ in range(links_per_api)]
        self.uplinks = [Uplink([FaultyLink(port) for port in broker_ports]) for _ in range(uplinks)]
        self._damage = Logbook(folder.damage)
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        for link in [*self.links, *(link for uplink in self.uplinks for link in uplink.links)]:
            await self._stack.enter_async_context(link)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        self._damage.close()

    def corrupt(self, link: FaultyLink) -> None:
        """Flip bits on this link, and write down on whose connections."""

        def note(port: int) -> None:
            self._damage.note(Damaged(link.port, port))
            self._damage.flush()

        link.corrupt(note)

    def __repr__(self) -> str:
        return f"<Network of {len(self.links)} links to clients, {len(self.uplinks)} to the broker>"
