"""GET /metrics: the figures of this process, for a Prometheus that has the token, or whoever may admin all topics."""

from collections.abc import Callable, Iterable

from fastapi import Request
from fastapi.responses import Response
from pydantic import SecretStr

from pulse_radar.errors import NotRunning
from pulse_radar.protocol.grammar import Feed
from pulse_radar.server.access import MasterToken, known
from pulse_radar.server.answers import refusal
from pulse_radar.server.reception import Reception
from pulse_radar.server.runner import Runner

__all__ = ["MetricsEndpoint"]


class MetricsEndpoint:
    """Answers a scrape, or why not."""

    def __init__(
        self,
        reception: Reception,
        token: SecretStr,
        runner: Callable[[], Runner],
        *,
        topics: Iterable[str],
        scrape: Callable[[str], tuple[bytes, str]],
    ) -> None:
        """`topics`: those there are when it is asked. `scrape`: the figures, and their type, for what is accepted."""
        self._reception = reception
        self._token = MasterToken(token)
        self._runner = runner
        self._topics = topics
        self._scrape = scrape

    async def serve(self, request: Request) -> Response:
        """200 with the figures, in the text format of Prometheus or in OpenMetrics."""
        refused = await self._refusal(request)
        if refused is not None:
            return refused
        try:
            self._runner()
        except NotRunning as error:
            return refusal(503, "not_running", str(error))
        figures, content_type = self._scrape(request.headers.get("accept", ""))
        return Response(figures, media_type=content_type)

    async def _refusal(self, request: Request) -> Response | None:
        if self._token.is_shown_by(request):
            # Under whatever name: a process is scraped at its address, and no browser has the token by itself.
            return None
        foreign = self._reception.refusal(request, of_any_origin=True)
        if foreign is not None:
            return refusal(403, "foreign", foreign)
        visitor = await known(self._reception, request)
        if isinstance(visitor, Response):
            return visitor
        for topic in self._topics:
            if not await visitor.may("admin", Feed(topic)):
                return refusal(403, "forbidden", f"you may not admin '{topic}', and these are figures of it")
        return None
