"""The plain text of a rich message: headings, lists and tables as lines.

The newest exports may hold a tree of blocks in `rich_message` instead of `text`.
"""

__all__ = ["rich_text"]

# Where a block holds other blocks; what is not among these are addresses, sizes and settings.
_PARTS = ("title", "author", "block", "blocks", "items", "rows", "cells", "caption", "credit")


def rich_text(tree: object) -> str:
    """All that can be read in the message, a line for each block."""
    return "\n".join(_lines(tree))


def _lines(node: object) -> list[str]:
    match node:
        case dict():
            own = [text] if (text := _run(node.get("text"))) else []
            return own + [line for part in _PARTS for line in _lines(node.get(part))]
        case list():
            return [line for item in node for line in _lines(item)]
        case _:
            return []


def _run(node: object) -> str:
    """The text of a run: a string, or runs within runs down to strings, all on one line."""
    match node:
        case str():
            return node
        case dict():
            return _run(node.get("text"))
        case list():
            return "".join(_run(item) for item in node)
        case _:
            return ""
