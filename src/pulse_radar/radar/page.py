"""The page at `/`: packaged with the application, or in a checkout the example that it is made from."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import FileResponse, PlainTextResponse, Response

__all__ = ["page_router"]

_PACKAGED: Final = Path(__file__).parent / "page" / "index.html"
_IN_CHECKOUT: Final = Path(__file__).parents[3] / "examples" / "live-page" / "index.html"

page_router: Final = APIRouter(include_in_schema=False)


@page_router.get("/")
async def page() -> Response:
    """The page; looked for at each request, so that whoever edits it sees it on reload."""
    for path in (_PACKAGED, _IN_CHECKOUT):
        if path.is_file():
            return FileResponse(path, headers={"cache-control": "no-cache"})
    return PlainTextResponse("The page is missing from this installation: install pulse-radar again.\n", 404)
