"""Messages as NATS puts them on the wire: cut out of what a server says, and made for it.

What an event costs is spent here, so it is done by hand: the client library takes three regular expressions for the
same, and a generator for each word of the headers.
"""

from collections.abc import Container, Mapping
from typing import Final

import msgspec

__all__ = ["Cut", "Incoming", "Outgoing", "subscribing"]

_LINE_END: Final = b"\r\n"
_VERSION: Final = "NATS/1.0"

# How a message begins, with headers and without; nothing else that a server says begins like this.
_MESSAGE: Final = b"HM"

# What a server puts between words. A subject may hold whatever else Python takes for space: split there, it would bear
# the number of another subscription.
_BETWEEN_WORDS: Final = b" "

# Nothing else: a subject may end with what Python takes for space, and with less of it it is another one.
_SPACE: Final = " \t"

# A header is a line.
_ONE_LINE: Final = str.maketrans("\r\n", "  ")


class Incoming(msgspec.Struct, frozen=True, gc=False):
    """A message that came. `reply`: where an answer is awaited, if that is not empty."""

    subject: str
    reply: str = ""
    data: bytes = b""
    headers: dict[str, str] | None = None


class Outgoing(msgspec.Struct, frozen=True):
    """A message on its way to the server. Its words are ours: subjects hold no spaces, names of headers no colons."""

    subject: str
    payload: bytes = b""
    headers: dict[str, str] | None = None
    reply: str = ""

    @property
    def wire(self) -> bytes:
        words = f"{self.subject} {self.reply}" if self.reply else self.subject
        if self.headers is None:
            return b"PUB %b %d\r\n%b\r\n" % (words.encode(), len(self.payload), self.payload)
        block = _block(self.headers)
        size = len(block) + len(self.payload)
        return b"HPUB %b %d %d\r\n%b%b\r\n" % (words.encode(), len(block), size, block, self.payload)


def subscribing(subject: str, number: bytes) -> bytes:
    """What is said to hear a subject; its messages then bear the number."""
    return b"SUB %b %b\r\n" % (subject.encode(), number)


class Cut:
    """Cuts the messages of some subscriptions out of a stream of bytes, in whatever pieces it comes.

    Shape: `HMSG <subject> <number> [reply] <bytes of headers> <bytes of all>`, a line end, so many bytes, a line end;
    or `MSG`, without the headers and their size.
    Source: https://docs.nats.io/reference/reference-protocols/nats-protocol
    """

    def __init__(self, ours: Container[bytes], *, is_within_line: bool = False) -> None:
        """`ours`: the numbers of the subscriptions. `is_within_line`: what comes first is the rest of some line."""
        self._ours = ours
        self._is_within_line = is_within_line
        # Of a message that has not all come; nothing is looked at before there is so much of it.
        self._pieces: list[bytes] = []
        self._has = self._needs = 0
        # What the bytes were that came last.
        self._found: list[tuple[bytes, Incoming]] = []
        self._others: list[bytes] = []

    def feed(self, data: bytes) -> tuple[list[tuple[bytes, Incoming]], bytes]:
        """The messages that are whole now, each after its number; and all else up to here, as it came.

        Raises: ValueError, where it makes no sense.
        """
        if self._pieces:
            self._pieces.append(data)
            self._has += len(data)
            if self._has < self._needs:
                return [], b""
            data, self._pieces = b"".join(self._pieces), []
        self._found, self._others = [], []
        at = 0
        while at < len(data) and not self._pieces:
            is_message = data[at] in _MESSAGE and not self._is_within_line
            at = self._message(data, at) if is_message else self._line(data, at)
        return self._found, b"".join(self._others)

    def _message(self, data: bytes, begin: int) -> int:
        """Take the message that begins here; where it ends."""
        body = data.find(_LINE_END, begin) + len(_LINE_END)
        if body < len(_LINE_END):
            return self._keep(data, begin, 0)
        words = data[begin : body - len(_LINE_END)].split(_BETWEEN_WORDS)
        end = body + int(words[-1])
        after = end + len(_LINE_END)
        if end < body:
            raise ValueError(f"a message of less than nothing: {data[begin:body]!r}")
        if after > len(data):
            return self._keep(data, begin, after - begin)
        _, _, number, *_ = words
        if number in self._ours:
            self._found.append((number, _incoming(words, data, body, end)))
        else:
            self._others.append(data[begin:after])
        return after

    def _keep(self, data: bytes, begin: int, needs: int) -> int:
        """It has not all come."""
        self._pieces = [data[begin:]]
        self._has, self._needs = len(data) - begin, needs
        return len(data)

    def _line(self, data: bytes, begin: int) -> int:
        """Pass this line on, or what has come of it; where it ends."""
        end = data.find(b"\n", begin) + 1
        self._is_within_line = end == 0
        self._others.append(data[begin : end or len(data)])
        return end or len(data)


def _incoming(words: list[bytes], data: bytes, begin: int, end: int) -> Incoming:
    operation, subject, _, *reply_and_sizes = words
    if operation == b"MSG":
        *reply, _ = reply_and_sizes
        return Incoming(_text(subject), _text(*reply), data[begin:end])
    *reply, size, _ = reply_and_sizes
    body = begin + int(size)
    return Incoming(_text(subject), _text(*reply), data[body:end], _headers(data[begin:body]))


def _text(word: bytes = b"") -> str:
    # To a server any bytes are a word, and whoever publishes may choose them.
    return word.decode(errors="replace")


def _headers(block: bytes) -> dict[str, str]:
    """The last one of a name counts: what a server adds it puts behind what a publisher said."""
    status, *lines = block.decode(errors="replace").split("\r\n")
    headers = _status(status[len(_VERSION) :].strip()) if len(status) > len(_VERSION) else {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name] = value.strip(_SPACE)
    return headers


def _status(said: str) -> dict[str, str]:
    """What a server says of a request, in the first line of the headers."""
    code, _, description = said.partition(" ")
    return {"Status": code, "Description": description}


def _block(headers: Mapping[str, str]) -> bytes:
    lines = "".join([f"{name}: {value.translate(_ONE_LINE)}\r\n" for name, value in headers.items()])
    return f"{_VERSION}\r\n{lines}\r\n".encode()
