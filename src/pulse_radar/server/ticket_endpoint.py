"""POST /ticket: whoever is known gets what an EventSource, which sends no header, can write into its address."""

from typing import Final

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse

from pulse_radar.server.answers import refusal, shared_with
from pulse_radar.server.hooks import HookTooSlow
from pulse_radar.server.reception import Reception
from pulse_radar.server.tickets import TICKET_SECONDS, NoTicket, Tickets

__all__ = ["TICKET_SCHEMA", "TicketEndpoint"]

TICKET_SCHEMA: Final[dict[int | str, dict[str, object]]] = {
    201: {"description": "a ticket for one connection, to be used at once: `/events?ticket=…`"},
    401: {"description": "nobody is known"},
}


class TicketEndpoint:
    """Answers a ticket, or why there is none."""

    def __init__(self, reception: Reception, tickets: Tickets | None) -> None:
        """`tickets`: None where there are none."""
        self._reception = reception
        self._tickets = tickets

    async def serve(self, request: Request) -> JSONResponse:
        """201 with `ticket` and for how many seconds it is good."""
        if self._tickets is None or not self._reception.authenticates:
            message = "POST /ticket is off: give the app an `authenticate`, and set PULSE_TICKET_SECRET"
            return refusal(404, "off", message)
        refused = self._reception.refusal(request)
        if refused is not None:
            return refusal(403, "foreign", refused)
        try:
            visitor = await self._reception.receive(request)
            ticket = self._tickets.issue(visitor.principal)
        except HookTooSlow as error:
            return refusal(503, "unavailable", error.detail)
        except HTTPException as error:
            return refusal(error.status_code, "unauthenticated", str(error.detail))
        except NoTicket as error:
            return refusal(501, "no_ticket", str(error))
        headers = {"Cache-Control": "no-store"} | shared_with(request.headers.get("origin"))
        return JSONResponse({"ticket": ticket, "expiresIn": int(TICKET_SECONDS)}, 201, headers)
