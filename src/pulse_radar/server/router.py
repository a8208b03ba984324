"""The routes of the live layer: /ws, /events, /publish, /ticket, /health, /ready and, where it is on, /metrics."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse, Response
from starlette.types import Lifespan

from pulse_radar.server.events_endpoint import EVENTS_SCHEMA, EventsEndpoint
from pulse_radar.server.metrics_endpoint import MetricsEndpoint
from pulse_radar.server.publish_endpoint import PUBLISH_SCHEMA, PublishEndpoint
from pulse_radar.server.status_endpoints import StatusEndpoints
from pulse_radar.server.ticket_endpoint import TICKET_SCHEMA, TicketEndpoint
from pulse_radar.server.websocket_endpoint import WebSocketEndpoint

__all__ = ["make_router"]


def make_router(
    websocket: WebSocketEndpoint,
    events: EventsEndpoint,
    publish: PublishEndpoint,
    ticket: TicketEndpoint,
    status: StatusEndpoints,
    metrics: MetricsEndpoint | None,
    *,
    lifespan: Lifespan[Any],
) -> APIRouter:
    """A router that any FastAPI app can include, under any prefix."""
    router = APIRouter(tags=["pulse-radar"], lifespan=lifespan)
    router.add_api_websocket_route("/ws", websocket.serve)
    router.add_api_route(
        "/events",
        events.serve,
        response_class=Response,
        responses=EVENTS_SCHEMA,
        summary="Follow topics as server-sent events",
    )
    router.add_api_route(
        "/publish",
        publish.serve,
        methods=["POST"],
        status_code=201,
        response_class=JSONResponse,
        openapi_extra=PUBLISH_SCHEMA,
        summary="Publish an event",
    )
    router.add_api_route(
        "/ticket",
        ticket.serve,
        methods=["POST"],
        status_code=201,
        response_class=JSONResponse,
        responses=TICKET_SCHEMA,
        summary="Get a ticket for one connection",
    )
    router.add_api_route("/health", status.health, summary="Is this process alive?")
    router.add_api_route("/ready", status.ready, summary="Do events come through?")
    if metrics is not None:
        # Not there while it is off: many an app has a route of its own under this name.
        router.add_api_route(
            "/metrics", metrics.serve, response_class=Response, summary="The figures, for Prometheus"
        )
    return router
