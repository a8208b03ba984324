"""How many functions are called: as many on a busy machine as on an idle one."""

import sys
from types import FrameType
from typing import Any, Self

__all__ = ["Calls"]


class Calls:
    """The calls of Python functions and of C functions while the block runs."""

    def __init__(self) -> None:
        self.python = 0
        self.native = 0

    def __enter__(self) -> Self:
        sys.setprofile(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        sys.setprofile(None)

    def _note(self, _frame: FrameType, event: str, _argument: Any) -> None:
        self.python += event == "call"
        self.native += event == "c_call"
