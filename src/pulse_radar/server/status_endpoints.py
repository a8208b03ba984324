"""GET /health: is this process alive? GET /ready: do events come through it?"""

from collections.abc import Callable

from fastapi import Request
from fastapi.responses import JSONResponse

from pulse_radar.errors import NotRunning
from pulse_radar.server.runner import Runner
from pulse_radar.server.transport import SOCKET_EXTENSION

__all__ = ["StatusEndpoints"]


class StatusEndpoints:
    """For whoever watches the process: restart it when /health fails, send it no clients when /ready does."""

    def __init__(self, runner: Callable[[], Runner], *, broker: str) -> None:
        """`broker`: of which kind it is. Where it is concerns nobody who can ask."""
        self._runner = runner
        self._broker = broker

    async def health(self, request: Request) -> JSONResponse:
        """Alive, as long as this is answered and nothing in the background died: that comes back by a restart only."""
        try:
            runner = self._runner()
        except NotRunning as error:
            return _not_running(error)
        # Of another protocol class than ours: what it cannot do, `pulse-radar doctor` says.
        is_ours = SOCKET_EXTENSION in request.scope.get("extensions", {})
        facts = {
            "connections": runner.connections,
            "broker": self._broker,
            "protocol": "pulse-radar" if is_ours else "foreign",
        }
        if runner.failure is not None:
            return JSONResponse({"status": "failed", "reason": repr(runner.failure), **facts}, 503)
        return JSONResponse({"status": "alive", **facts})

    async def ready(self) -> JSONResponse:
        """Ready while events come through: a probe, published every 2 s, came back within the last 10 s.

        A topic that is `behind` (a state that began anew, and is not whole yet) makes nothing unready: it is so in all
        processes at once, and the clients of the other topics would have none left.
        """
        try:
            runner = self._runner()
        except NotRunning as error:
            return _not_running(error)
        age = runner.probe.age_seconds
        facts = {"deliveryAge": None if age is None else round(age, 3), "behind": runner.hub.behind}
        if runner.failure is not None:
            return JSONResponse({"status": "failed", "reason": repr(runner.failure), **facts}, 503)
        if runner.hub.is_draining:
            reason = "this process is about to end"
            return JSONResponse({"status": "draining", "reason": reason, **facts}, 503)
        if not runner.probe.is_fresh:
            reason = "no event came through the broker lately" if age is not None else "still starting"
            return JSONResponse({"status": "unready", "reason": reason, **facts}, 503)
        return JSONResponse({"status": "ready", **facts})


def _not_running(error: NotRunning) -> JSONResponse:
    return JSONResponse({"status": "failed", "reason": str(error)}, 503)
