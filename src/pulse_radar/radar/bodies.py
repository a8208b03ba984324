"""How large the body of a request may be: FastAPI reads it whole into memory before it looks at it."""

from typing import Final

from fastapi import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BoundedBodies"]

# What people write by hand has some kilobytes.
_MOST_BYTES: Final = 1024**2

# An upload goes to the disk, and has a bound of its own.
_UPLOADS: Final = ("POST", "/api/ingestions")


class BoundedBodies:
    """An app whose requests end with 413 as soon as more came than may."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_bounded = scope["type"] == "http" and (scope["method"], scope["path"]) != _UPLOADS
        await self._app(scope, _bounded(receive) if is_bounded else receive, send)


def _bounded(receive: Receive) -> Receive:
    size = 0

    async def received() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > _MOST_BYTES:
            raise HTTPException(413, f"a body has at most {_MOST_BYTES} bytes")
        return message

    return received
