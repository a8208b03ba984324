"""The part of a file that is in memory: it slides forward over a file of any size."""

import re
from collections.abc import Callable
from typing import BinaryIO, Final, cast

import msgspec

__all__ = ["ByteWindow", "Place"]

# Bytes read at a time. Anything from 16 kB to 4 MB is as fast (measured); more only costs memory.
CHUNK_BYTES: Final = 128 * 1024

# Matches everywhere, be it nothing.
_space: Final = cast("Callable[[bytes, int], re.Match[bytes]]", re.compile(rb"[ \t\r\n]*").match)


class Place(msgspec.Struct, frozen=True):
    """Where a window stood, to return to: what it held, and how far the file had been read."""

    data: bytes
    origin: int
    at: int
    file_position: int


class ByteWindow:
    """Bytes of a file around the place where it is read.

    `data` is what is in memory, `at` the index in it of the next byte. Nothing before `at` is kept when the
    window moves, so whoever needs bytes leaves `at` before them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.data = b""
        self.at = 0
        self._origin = 0  # the offset in the file of data[0]

    def __repr__(self) -> str:
        return f"<ByteWindow of {len(self.data)} bytes at byte {self.offset}>"

    @property
    def offset(self) -> int:
        """The offset in the file of the next byte."""
        return self._origin + self.at

    @property
    def end(self) -> int:
        """The offset in the file just after what is in memory."""
        return self._origin + len(self.data)

    def peek(self) -> bytes:
        """The next byte that is not white space, where the window then stands; b"" at the end of the file."""
        while True:
            self.at = _space(self.data, self.at).end()
            if self.at < len(self.data):
                return self.data[self.at : self.at + 1]
            if not self.more():
                return b""

    def more(self) -> bool:
        """Forget what lies before `at`, which becomes 0, and read on. False at the end of the file."""
        kept = self.data[self.at :]
        # As much again as is kept: a long value is looked at few times, however long it is.
        read = self._file.read(max(CHUNK_BYTES, len(kept)))
        self._origin += self.at
        self.at = 0
        self.data = kept + read
        return bool(read)

    def mark(self) -> Place | None:
        """This place, to return to; None where the file cannot go back."""
        if not self._file.seekable():
            return None
        return Place(self.data, self._origin, self.at, self._file.tell())

    def return_to(self, place: Place) -> None:
        """Stand again where `place` was taken."""
        self._file.seek(place.file_position)
        self.data, self._origin, self.at = place.data, place.origin, place.at
