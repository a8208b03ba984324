"""JSON read value by value from a file of any size: strict about structure, ignorant of meaning.

A value is taken as its bytes, to be decoded by whoever knows its shape, or skipped in constant memory.
This and not a general stream parser as ijson: Telegram Desktop writes control characters as `\\x01`, which is
not JSON and ends every strict parser (telegramdesktop/tdesktop#27571); the errors of those that are fast do
not say at which byte; and typed decoding by msgspec beats building objects from events.
"""

from collections.abc import Iterator

import msgspec

from pulse_radar.radar.telegram.errors import DAMAGED, NOT_THE_SHAPE, Fault
from pulse_radar.radar.telegram.recognise import start_of_json
from pulse_radar.radar.telegram.value_end import end_of_value, ended, unexpected
from pulse_radar.radar.telegram.window import ByteWindow, Place

__all__ = ["Scanner"]

_KINDS = {b"{": "an object", b"[": "a list"}


class Scanner:
    """Walks through one JSON document.

    Order: inside `members` and `items` each value must be taken, skipped or walked before the next step.
    Raises: Fault, from every method, naming the byte.
    """

    def __init__(self, window: ByteWindow) -> None:
        self._window = window

    def __repr__(self) -> str:
        return f"<Scanner at byte {self.offset}>"

    @property
    def offset(self) -> int:
        """The byte that is looked at next."""
        return self._window.offset

    def begin(self) -> None:
        """Stand before the document, if the file looks like one."""
        self._window.more()
        self._window.at = start_of_json(self._window.data)

    def members(self, what: str) -> Iterator[str]:
        """The names in the object that comes next, each yielded when its value comes next."""
        self._open(b"{", what)
        if not self._closes(b"}"):
            yield self._name()
            yield from self.further_members()

    def further_members(self) -> Iterator[str]:
        """The names that follow in an object, after one of its values."""
        while self._continues(b"}"):
            yield self._name()

    def items(self, what: str) -> Iterator[None]:
        """The list that comes next: yields each time that an item comes next, standing before it."""
        self._open(b"[", what)
        if not self._closes(b"]"):
            yield
            while self._continues(b"]"):
                self._window.peek()
                yield

    def take(self) -> bytes:
        """The bytes of the next value. Cost: they are in memory, at most `MAX_VALUE_BYTES` of them."""
        window = self._window
        end = end_of_value(window, keep=True)
        value = window.data[window.at : end]
        window.at = end
        return value

    def skip(self) -> None:
        """Go past the next value, of any size."""
        self._window.at = end_of_value(self._window, keep=False)

    def finish(self) -> None:
        """Nothing may follow."""
        if self._window.peek():
            raise Fault("something follows after the end of the export", self.offset, DAMAGED)

    def mark(self) -> Place | None:
        """This place, to return to; None where the file cannot go back."""
        return self._window.mark()

    def return_to(self, place: Place) -> None:
        """Stand again where `place` was taken."""
        self._window.return_to(place)

    def _open(self, bracket: bytes, what: str) -> None:
        found = self._window.peek()
        if not found:
            raise ended(self._window, f"{what} is missing")
        if found != bracket:
            raise Fault(f"{what} is not {_KINDS[bracket]}", self.offset, NOT_THE_SHAPE)
        self._window.at += 1

    def _closes(self, bracket: bytes) -> bool:
        closes = self._window.peek() == bracket
        self._window.at += closes
        return closes

    def _continues(self, closer: bytes) -> bool:
        """Whether a comma comes next, and not the closing bracket."""
        found = self._window.peek()
        if found not in (b",", closer):
            raise unexpected(self._window, f"',' or '{closer.decode()}'")
        self._window.at += 1
        return found == b","

    def _name(self) -> str:
        if self._window.peek() != b'"':
            raise unexpected(self._window, "a name in quotes")
        offset = self.offset
        try:
            name = msgspec.json.decode(self.take(), type=str)
        except ValueError:  # all of msgspec's errors
            raise Fault("a name is not JSON", offset, DAMAGED) from None
        if self._window.peek() != b":":
            raise unexpected(self._window, f"':' after {name[:60]!r}")
        self._window.at += 1
        return name
