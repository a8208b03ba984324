"""The links in a message: what Telegram marked, and what looks like one in a text that nobody marked.

linkify-it knows addresses without a scheme, of any domain and script. It is asked only about the words that hold a
dot or a scheme: asking it about whole texts would cost more than all the rest of the extraction.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from linkify_it import LinkifyIt
from linkify_it.tlds import TLDS

from pulse_radar.radar.telegram import TelegramMessage

__all__ = ["Link", "links_in", "without_links"]

_MAY_BE_LINK: Final = re.compile(r"\S*(?:://|\w\.\w)\S*")
# Most texts hold none, and this is quicker to say so: it tries each place once.
_HOLDS_ONE: Final = re.compile(r"://|\w\.\w")
# What languages of the right-to-left scripts and of East Asia write after an address, and around it.
_AROUND: Final = " \t؟،؛。、，：！？「」《》«»“”„…"

# Names of files end like this, and so do domains: README.md, main.rs.
_FILE_ENDINGS: Final = frozenset({"java", "md", "mov", "pl", "ps", "py", "rs", "sh", "so", "zip"})
# So do names in programs: task.run, user.name. Of the top-level domains those that the standard library of Python has
# as names, without those under which many addresses are.
_MEMBERS: Final = frozenset({
    "call", "case", "compare", "data", "date", "fail", "final", "host", "int", "map", "name", "new", "next", "now",
    "open", "parts", "post", "prod", "property", "read", "run", "save", "search", "seek", "select", "stream", "target",
    "total",
})  # fmt: skip

# They tell who sent whom, not where.
_TRACKING: Final = re.compile(r"utm_\w+|fbclid|gclid|yclid|igshid|si|ref_src")


class Link(msgspec.Struct, frozen=True, gc=False):
    """An address: as it is opened, and the text that stands for it in the message."""

    url: str
    text: str

    @property
    def identity(self) -> str:
        """The same for all spellings of the same address: without scheme, www, tracking and last slash."""
        parts = urlsplit(self.url)
        if not parts.hostname or re.search(r"\s", parts.netloc) or parts.port == 0:
            raise ValueError(f"{self.url} names no host")
        host = (parts.hostname or "").removeprefix("www.")
        query = urlencode([(k, v) for k, v in parse_qsl(parts.query) if not _TRACKING.fullmatch(k)])
        return f"{host}{parts.path.rstrip('/')}?{query}#{parts.fragment}"


def links_in(message: TelegramMessage, text: str) -> list[Link]:
    """All links of a message, each once, in order. Only http and https: what a browser opens."""
    links: dict[str, Link] = {}
    for link in (*_marked(message), *_written(text)):
        try:
            links.setdefault(link.identity, link)
        except ValueError:  # it looks like an address, and its host or port is none
            continue
    return list(links.values())


def without_links(text: str) -> str:
    """The text without the words that hold an address."""
    return _MAY_BE_LINK.sub(_blank, text) if _HOLDS_ONE.search(text) else text


def _blank(found: re.Match[str]) -> str:
    return " " if "://" in found[0] or any(_written(found[0])) else found[0]


def _marked(message: TelegramMessage) -> Iterator[Link]:
    for entity in message.entities:
        address = {"link": entity.text, "text_link": entity.detail}.get(entity.kind)
        if address:
            url = address if "://" in address else f"http://{address}"
            if url.lower().startswith(("http://", "https://")):
                yield Link(url, entity.text)


def _written(text: str) -> Iterator[Link]:
    if not _HOLDS_ONE.search(text):
        return
    for word in _MAY_BE_LINK.findall(text):
        if "@" in word and "://" not in word:
            continue
        for found in _linkify().match(word.strip(_AROUND)) or ():
            if found.schema or "/" in found.text or not _may_be_a_name(found.text):
                yield Link(found.url, found.text)


def _may_be_a_name(text: str) -> bool:
    """Whether it may as well be the name of a file, or of something in a program."""
    ending = text.rpartition(".")[2].lower()
    return ending in _FILE_ENDINGS | _MEMBERS and not text.lower().startswith("www.")


@cache
def _linkify() -> LinkifyIt:
    linkify = LinkifyIt(options={"fuzzy_email": False, "fuzzy_ip": False}).tlds(
        [_as_written(tld) for tld in TLDS]
    )
    for scheme in ("ftp:", "mailto:", "//"):
        linkify.add(scheme, None)
    return linkify


def _as_written(top_level_domain: str) -> str:
    """XN--P1AI is what a registry says for рф."""
    name = top_level_domain.lower()
    return name[4:].encode().decode("punycode") if name.startswith("xn--") else name
