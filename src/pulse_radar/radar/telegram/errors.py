"""What can be wrong with an export: one error for the caller, told with the place and a way on.

PulseError
└── ExportError    the export is broken; what came before was read
"""

from typing import Final

from pulse_radar.errors import PulseError
from pulse_radar.radar.telegram.values import Chat

__all__ = ["DAMAGED", "INTERRUPTED", "NOT_AN_EXPORT", "NOT_THE_SHAPE", "ExportError", "Fault"]

INTERRUPTED: Final = "the export or a copy of it was interrupted: export the chat again"
DAMAGED: Final = "the file was changed after Telegram Desktop wrote it: copy it or export the chat again"
NOT_AN_EXPORT: Final = (
    "give the result.json that Telegram Desktop writes when 'Machine-readable JSON' is chosen as the format"
)
NOT_THE_SHAPE: Final = (
    "Telegram Desktop does not write this: mend or remove it in the file, or export the chat again"
)


class ExportError(PulseError):
    """The export is broken at a known place. Every message before it has been read.

    `problem` is what is wrong, `advice` how to go on. `offset` is the byte of the file where it broke.
    `messages` counts the good messages before it; `chat` and `message_id` are of the last of them, None
    where there is none.
    """

    def __init__(
        self,
        problem: str,
        advice: str,
        offset: int,
        messages: int = 0,
        chat: Chat | None = None,
        message_id: int | None = None,
    ) -> None:
        # All of them, so that the error survives pickling on its way from a worker.
        super().__init__(problem, advice, offset, messages, chat, message_id)
        self.problem = problem
        self.advice = advice
        self.offset = offset
        self.messages = messages
        self.chat = chat
        self.message_id = message_id

    def __str__(self) -> str:
        return f"{self.problem} (at byte {self.offset}, {self._after()}); {self.advice}"

    def _after(self) -> str:
        if self.chat is None:
            return "before any message"
        count = "1 message" if self.messages == 1 else f"{self.messages} messages"
        return f"after {count}, the last is {self.message_id} of {self.chat}"


class Fault(Exception):
    """Something is wrong at a byte. Who finds it does not know which messages were read: the reader does,
    and makes an ExportError of it.
    """

    def __init__(self, problem: str, offset: int, advice: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset
        self.advice = advice
