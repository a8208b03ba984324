"""The dashboard at `/`: packaged with the application, or in a checkout as it was last built."""

import mimetypes
from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, PlainTextResponse, Response

__all__ = ["CONTENT_SECURITY_POLICY", "page_router"]

_PACKAGED: Final = Path(__file__).parent / "page"
_IN_CHECKOUT: Final = Path(__file__).parents[3] / "web" / "dashboard" / "dist"

# Files of this origin and nothing else: what people write in chats is shown here.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "font-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}

# The page names its assets by their content: another content is another name.
_FRESH: Final = "no-cache"
_FOR_EVER: Final = "public, max-age=31536000, immutable"

page_router: Final = APIRouter(include_in_schema=False)


@page_router.get("/")
async def page(request: Request) -> Response:
    """The page itself, asked for anew at each visit."""
    return _answer("index.html", request, _FRESH)


@page_router.get("/radar.svg")
async def icon(request: Request) -> Response:
    """Its icon."""
    return _answer("radar.svg", request, _FRESH)


@page_router.get("/assets/{name}")
async def asset(name: str, request: Request) -> Response:
    """What it is made of."""
    return _answer(f"assets/{name}", request, _FOR_EVER)


def _answer(name: str, request: Request, caching: str) -> Response:
    for directory in (_PACKAGED, _IN_CHECKOUT):
        path = directory / name
        if path.is_file():
            return _file(path, request, caching)
    if name == "index.html":
        return PlainTextResponse(
            "The dashboard is not built here: make demo builds it, or npm --prefix web/dashboard run build.\n",
            404,
        )
    return PlainTextResponse("Not found\n", 404)


def _file(path: Path, request: Request, caching: str) -> Response:
    """The file, compressed where it was built so and whoever asks takes it."""
    headers = {**_HEADERS, "cache-control": caching, "vary": "accept-encoding"}
    packed = path.with_name(f"{path.name}.gz")
    if "gzip" in request.headers.get("accept-encoding", "") and packed.is_file():
        path, headers["content-encoding"] = packed, "gzip"
    media_type = mimetypes.guess_type(path.name.removesuffix(".gz"))[0]
    return FileResponse(path, headers=headers, media_type=media_type)
