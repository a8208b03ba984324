"""The way to a provider: only to the addresses that it was allowed, and no more of an answer than fits.

Whoever names a provider names where this server sends requests. So its name is resolved for each request, and the
request goes to the very address that was looked at: a name may mean another one a moment later. Redirects are not
followed.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import httpx

__all__ = ["Resolve", "ToAllowedAddresses"]

# The addresses to which a request to this URL may go; raises for one that may not be asked.
Resolve: TypeAlias = Callable[[str], Awaitable[list[str]]]

# Far more than any answer to a question of ours.
_LARGEST_ANSWER: Final = 4 * 1024 * 1024


class ToAllowedAddresses(httpx.AsyncBaseTransport):
    """Sends requests to the addresses that `resolve` allows, one after the other, and reads the whole answer."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        *others, last = await self._resolve(str(request.url))
        for address in others:
            try:
                return await self._send(request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send(request, last)

    async def _send(self, request: httpx.Request, address: str) -> httpx.Response:
        # The header Host says the name already; TLS checks the certificate against `sni_hostname`.
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        response = await self._inner.handle_async_request(pinned)
        try:
            content = await _whole(response)
        finally:
            await response.aclose()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _whole(response: httpx.Response) -> bytes:
    if "content-encoding" in response.headers:
        # It was not asked for, and a few bytes may unfold to gigabytes.
        raise httpx.DecodingError("a compressed answer, where none was accepted")
    body = bytearray()
    async for part in response.aiter_raw():
        body += part
        if len(body) > _LARGEST_ANSWER:
            raise httpx.DecodingError(f"an answer of more than {_LARGEST_ANSWER} bytes")
    return bytes(body)
