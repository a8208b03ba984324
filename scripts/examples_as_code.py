"""For the reference: what stands under `Example:` in a docstring is code, and shown as such."""

import re
from textwrap import dedent
from typing import Any, Final

import griffe

_EXAMPLE: Final = re.compile(r"^Example:\n((?:[ ]{4}.*\n?|\n)+)", re.MULTILINE)


class ExamplesAsCode(griffe.Extension):
    """Fences them before anybody reads the docstring's sections."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring is not None:
            obj.docstring.value = _EXAMPLE.sub(_fenced, obj.docstring.value)


def _fenced(example: re.Match[str]) -> str:
    return f"```python\n{dedent(example[1]).strip()}\n```\n"
