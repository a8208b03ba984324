"""A scrape as Prometheus makes it, and what is in it."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pulse_radar import Pulse
from tests.server.serving import Server, app_with, asking, make_pulse, serving

__all__ = ["AUTHORISED", "TOKEN", "Scrape", "running", "scrape"]

TOKEN = "a-token-of-sixteen-characters"
AUTHORISED = {"Authorization": f"Bearer {TOKEN}"}


class Scrape:
    """The samples of one scrape, found by name and labels."""

    def __init__(self, text: str) -> None:
        self._families = list(text_string_to_metric_families(text))
        assert len({family.name for family in self._families}) == len(self._families), (
            "a figure is told twice"
        )
        self._samples = [sample for family in self._families for sample in family.samples]

    @property
    def names(self) -> set[str]:
        """Of every sample, and of each histogram as a whole."""
        histograms = {family.name for family in self._families if family.type == "histogram"}
        return histograms | {sample.name for sample in self._samples}

    @property
    def labels(self) -> set[str]:
        return {label for sample in self._samples for label in sample.labels}

    def __call__(self, name: str, **labels: str) -> float:
        """The one sample of this name that has these labels."""
        (found,) = [
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]
        return found


@contextlib.asynccontextmanager
async def running(**given: Any) -> AsyncIterator[tuple[Pulse, Server, httpx.AsyncClient]]:
    """An app with two topics that tells its figures, served, and somebody to ask for them."""
    pulse = make_pulse(**{"metrics_token": TOKEN, **given})
    async with serving(app_with(pulse)) as server, asking(server.port) as http:
        yield pulse, server, http


async def scrape(http: httpx.AsyncClient) -> Scrape:
    answer = await http.get("/metrics", headers=AUTHORISED)
    assert answer.status_code == 200
    return Scrape(answer.text)
