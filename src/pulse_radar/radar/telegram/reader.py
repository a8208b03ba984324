"""Reading an export: message by message, in constant memory, with one clear error where it breaks."""

from collections.abc import Callable, Iterator
from datetime import UTC, tzinfo
from typing import BinaryIO

import msgspec

from pulse_radar.radar.telegram.diagnose import diagnose
from pulse_radar.radar.telegram.errors import ExportError, Fault
from pulse_radar.radar.telegram.scanner import Scanner
from pulse_radar.radar.telegram.shapes import decode_message
from pulse_radar.radar.telegram.translate import message_of
from pulse_radar.radar.telegram.values import Chat, TelegramMessage
from pulse_radar.radar.telegram.walk import walk
from pulse_radar.radar.telegram.window import ByteWindow

__all__ = ["ExportReader", "ReadingStats", "count_messages", "read_export"]


class ReadingStats(msgspec.Struct, frozen=True):
    """How far a reading has come. `bytes_read` reaches to the end of the last message, at the end of it all
    to the end of the file.
    """

    messages: int
    bytes_read: int


class ExportReader(Iterator[TelegramMessage]):
    """The messages of an export, in the order of the file. Made by `read_export`."""

    def __init__(self, file: BinaryIO, timezone: tzinfo) -> None:
        self._timezone = timezone
        self._scanner = Scanner(ByteWindow(file))
        self._stream = self._read()
        self._messages = 0
        # Messages before this one are passed over.
        self._skip_until = 0
        self._bytes_read = 0
        self._last: TelegramMessage | None = None

    def __repr__(self) -> str:
        return f"<ExportReader {self._messages} messages, {self._bytes_read} bytes>"

    def __next__(self) -> TelegramMessage:
        try:
            return next(self._stream)
        except Fault as fault:
            raise self._error(fault) from fault

    def skip(self, messages: int) -> None:
        """Pass over the next so many messages, with the next one that is read. Cost: half of reading them."""
        self._skip_until = self._messages + messages

    def stats(self) -> ReadingStats:
        """How far it is now: with the file's size, or `count_messages`, that is the progress."""
        return ReadingStats(self._messages, self._bytes_read)

    def _read(self) -> Iterator[TelegramMessage]:
        for chat in walk(self._scanner):
            if self._messages < self._skip_until:
                self._scanner.skip()
                self._messages += 1
                continue
            message = self._last = self._message(chat)
            self._messages += 1
            self._bytes_read = self._scanner.offset
            yield message
        self._bytes_read = self._scanner.offset

    def _message(self, chat: Chat) -> TelegramMessage:
        offset = self._scanner.offset
        json = self._scanner.take()
        try:
            return message_of(decode_message(json), chat, self._timezone)
        except (ValueError, RecursionError) as error:  # all of msgspec's errors and of ours
            raise diagnose(error, json, offset) from error

    def _error(self, fault: Fault) -> ExportError:
        chat, message_id = (self._last.chat, self._last.id) if self._last else (None, None)
        return ExportError(fault.problem, fault.advice, fault.offset, self._messages, chat, message_id)


def read_export(file: BinaryIO, *, timezone: tzinfo = UTC) -> ExportReader:
    """Read the `result.json` of a Telegram Desktop export, of a chat or of a whole account.

    Old exports (about until 2021) hold only the local time of the computer that exported: it is taken as of
    `timezone`. That changes nothing where an export holds seconds since 1970, too.

    Order: as in the file; duplicates and all.
    Raises: ExportError, once, where the export is broken: not JSON, cut short, not an export, or a message of
        another shape than Telegram Desktop writes. Nothing is left out in silence. All messages before it
        have been yielded, and `stats()` stays true.
    Cost: constant memory, about three times the longest message, and at most some 20 MB for a broken file.
        The file is read forward once; an export whose chats name their `id` or `type` after their messages
        is read twice and must be seekable.

    Example:
        with open("result.json", "rb") as file:
            for message in read_export(file):
                print(message.chat.name, message.date, message.text)
    """
    return ExportReader(file, timezone)


def count_messages(file: BinaryIO, *, should_stop: Callable[[], bool] = lambda: False) -> int | None:
    """How many messages `read_export` will yield, to show progress against; None, once `should_stop` says so.

    A broken export is counted up to where it breaks: what is wrong is for the reading to say. The file is
    left where it was. Cost: constant memory, about half the time of reading.
    """
    start = file.tell()
    scanner = Scanner(ByteWindow(file))
    count = 0
    try:
        for _ in walk(scanner):
            if should_stop():
                return None
            scanner.skip()
            count += 1
    except Fault:
        pass
    finally:
        file.seek(start)
    return count
