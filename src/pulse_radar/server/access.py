"""Who may use a route that asks for a token of the settings, which may all, or for the right of whoever asks."""

import hmac

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from pulse_radar.server.answers import unauthenticated
from pulse_radar.server.reception import Reception
from pulse_radar.server.visitor import Visitor

__all__ = ["MasterToken", "known"]


class MasterToken:
    """A token of the settings; nobody shows one that is not set."""

    def __init__(self, secret: SecretStr | None) -> None:
        self._expected = None if secret is None else b"Bearer " + secret.get_secret_value().encode()

    def is_shown_by(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return self._expected is not None and hmac.compare_digest(given.encode(), self._expected)

    def __bool__(self) -> bool:
        """Whether it is set."""
        return self._expected is not None


async def known(reception: Reception, request: Request) -> Visitor | JSONResponse:
    """Whose rights are to be asked, or the answer to somebody whom nobody knows. Raises: what else the app raises."""
    if not reception.authenticates:
        return unauthenticated()
    try:
        return await reception.receive(request)
    except HTTPException as error:
        if error.status_code != 401:
            raise
        return unauthenticated()
