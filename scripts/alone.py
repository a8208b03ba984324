"""Whether a built site is read without asking anybody else: python scripts/alone.py build/site."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

# What a browser fetches by itself when it reads a page. A link that somebody follows is none.
_FETCHED: Final = (
    re.compile(r"<(?:script|img|iframe|source|video)\b[^>]*\bsrc=[\"']?((?:https?:)?//[^\s\"'>]+)"),
    re.compile(
        r"<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|icon|preload|preconnect|manifest|modulepreload))[^>]*\bhref=[\"']?((?:https?:)?//[^\s\"'>]+)"
    ),
    re.compile(r"(?:@import|url\()\s*[\"']?((?:https?:)?//[^\s\"')]+)"),
)


def fetched(site: Path) -> Iterator[str]:
    """Each address elsewhere that a page or a style sheet fetches, and where that stands."""
    for file in sorted([*site.rglob("*.html"), *site.rglob("*.css")]):
        text = file.read_text("utf-8")
        for pattern in _FETCHED:
            yield from (f"{file.relative_to(site)}: {address}" for address in pattern.findall(text))


if __name__ == "__main__":
    found = list(fetched(Path(sys.argv[1])))
    sys.exit("\n".join(found) or None)
