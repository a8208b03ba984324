"""A server on this machine that speaks the provider's HTTP and JSON, well or badly, as a test tells it to."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import msgspec
from pydantic import SecretStr

from pulse_radar.radar.knowledge.provider import (
    ProviderAccess,
    ProviderExtractor,
    ProviderLimits,
    open_provider,
)

__all__ = ["KEY", "LocalProvider", "Reply", "completion", "extractor_at", "local_provider"]

KEY = "sk-secret-0123456789"

# From the texts of the messages that were asked about.
Reply: TypeAlias = Callable[[list[str]], "bytes | float"]


def completion(*atoms: dict[str, Any], tokens: int = 100, finish_reason: str = "stop") -> bytes:
    """A whole HTTP response that holds these atoms."""
    content = msgspec.json.encode({"atoms": atoms}).decode()
    choice = {"message": {"role": "assistant", "content": content}, "finish_reason": finish_reason}
    return http(200, msgspec.json.encode({"choices": [choice], "usage": {"total_tokens": tokens}}))


def http(status: int, body: bytes = b"{}", *headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status} So",
        f"content-length: {len(body)}",
        "content-type: application/json",
        *headers,
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body


class LocalProvider:
    """What was asked, and what is answered: the next of `replies`, the last one for ever.

    A float is a pause and then no answer.
    """

    def __init__(self, replies: list[Reply]) -> None:
        self.questions: list[dict[str, Any]] = []
        self.headers: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.url = ""
        self._replies = replies

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                await self._answer(head, reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _answer(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.headers.append(head)
        length = next(
            int(line[15:]) for line in head.lower().split("\r\n") if line.startswith("content-length:")
        )
        question = msgspec.json.decode(await reader.readexactly(length))
        self.questions.append(question)
        reply = self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]
        texts = [one["text"] for one in msgspec.json.decode(question["messages"][1]["content"])]
        answer = reply(texts)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(answer if isinstance(answer, float) else 0.02)
        self.at_once -= 1
        if isinstance(answer, bytes):
            writer.write(answer)
            await writer.drain()
        if not isinstance(answer, bytes) or answer.endswith(b"<cut>"):
            writer.close()


@asynccontextmanager
async def local_provider(*replies: Reply) -> AsyncIterator[LocalProvider]:
    provider = LocalProvider(list(replies))
    server = await asyncio.start_server(provider.serve, "127.0.0.1", 0)
    async with server:
        provider.url = f"http://provider.example:{server.sockets[0].getsockname()[1]}/v1"
        yield provider


@asynccontextmanager
async def extractor_at(provider: LocalProvider, **limits: Any) -> AsyncIterator[ProviderExtractor]:
    async def resolve(url: str) -> list[str]:
        assert url.startswith(provider.url)
        return ["127.0.0.1"]

    access = ProviderAccess(base_url=provider.url, model="small", key=SecretStr(KEY))
    async with open_provider(access, resolve=resolve, limits=ProviderLimits(**limits)) as extractor:
        yield extractor
