"""The opening handshake of a WebSocket, of whoever asks for it as everybody does.

Source: RFC 6455, sections 4.2.1 and 4.2.2.
"""

import binascii
from collections.abc import Iterable
from typing import Final, Self

import httptools
from websockets.http11 import MAX_LINE_LENGTH, MAX_NUM_HEADERS
from websockets.utils import accept_key

__all__ = ["OpeningHandshake"]

# A handshake has no body.
_OF_BODIES: Final = frozenset({b"content-length", b"transfer-encoding"})

_KEY: Final = b"sec-websocket-key"
_VERSION: Final = b"sec-websocket-version"
_KEY_BYTES: Final = 16


class OpeningHandshake:
    """A request for an upgrade that has all that one needs, once each. `headers`: their names in lower case."""

    __slots__ = ("_target", "_values", "headers")

    def __init__(self) -> None:
        self._target = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self._values: dict[bytes, list[bytes]] = {}

    @classmethod
    def read(cls, head: bytes) -> Self | None:
        """The handshake in these bytes; None where they hold anything else, or more or less than one."""
        handshake = cls()
        parser = httptools.HttpRequestParser(handshake)
        try:
            parser.feed_data(head)
        except httptools.HttpParserUpgrade as upgrade:
            # Where what follows begins.
            (end,) = upgrade.args
            is_whole = (
                end == len(head) and parser.get_http_version() == "1.1" and parser.get_method() == b"GET"
            )
            return handshake if is_whole and handshake._is_plain else None
        except httptools.HttpParserError:
            pass
        return None

    @property
    def path(self) -> bytes:
        """As it was sent, without the query."""
        return self._target.partition(b"?")[0]

    @property
    def query(self) -> bytes:
        return self._target.partition(b"?")[2]

    def texts(self, name: bytes) -> list[str]:
        """Each value that was given to this header."""
        return [value.decode("latin-1") for value in self._values.get(name, ())]

    def listed(self, name: bytes) -> list[str]:
        """The items of a header that is a list, however often it was given."""
        return [item.strip() for text in self.texts(name) for item in text.split(",")]

    def answer(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """The response that completes it, with these headers besides."""
        (key,) = self.texts(_KEY)
        lines = [
            b"HTTP/1.1 101 Switching Protocols",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Sec-WebSocket-Accept: " + accept_key(key).encode(),
            *(name + b": " + value for name, value in headers),
        ]
        return b"\r\n".join((*lines, b"", b""))

    # What the parser calls.

    def on_url(self, url: bytes) -> None:
        self._target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        # A tab behind it, the parser leaves there.
        name, value = name.lower(), value.rstrip(b"\t ")
        self.headers.append((name, value))
        self._values.setdefault(name, []).append(value)

    # How.

    @property
    def _is_plain(self) -> bool:
        keys = self.texts(_KEY)
        return (
            self._target.isascii()
            # What else carries WebSockets takes no more.
            and len(self.headers) <= MAX_NUM_HEADERS
            and all(len(name) + len(value) < MAX_LINE_LENGTH for name, value in self.headers)
            and not any(name in self._values for name in _OF_BODIES)
            and len(keys) == 1
            and _is_key(keys[0])
            and self.texts(_VERSION) == ["13"]
            and [item.lower() for item in self.listed(b"upgrade")] == ["websocket"]
            and "upgrade" in (item.lower() for item in self.listed(b"connection"))
        )

    def __repr__(self) -> str:
        # Nothing of the query or the headers: they hold secrets.
        return f"<OpeningHandshake for {self.path!r}>"


def _is_key(text: str) -> bool:
    try:
        return len(binascii.a2b_base64(text, strict_mode=True)) == _KEY_BYTES
    except ValueError:
        return False
