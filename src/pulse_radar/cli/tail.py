"""`pulse-radar tail`: follows topics over a WebSocket, and resumes by itself."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Annotated, Final

import typer

from pulse_radar.cli.loops import run
from pulse_radar.cli.options import JsonOption, default_of
from pulse_radar.cli.tailing.address import Address
from pulse_radar.cli.tailing.following import Beginning, Following
from pulse_radar.cli.tailing.printing import NobodyReads, print_json, print_plain
from pulse_radar.errors import InvalidCursor, UsageError
from pulse_radar.protocol.cursor import parse_sequence
from pulse_radar.protocol.grammar import Feed
from pulse_radar.settings import Settings

__all__ = ["tail"]

# A request line may have 4 KiB; positions of 16 digits are added to the names.
_FEEDS_LENGTH: Final = 1_800


def tail(
    topics: Annotated[
        list[str] | None, typer.Argument(help="Topics, or topic/key; all where none is named.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="SEQ|TOPIC:SEQ,…", help="After these positions; 0: all that is kept."),
    ] = None,
    last: Annotated[
        int | None, typer.Option(min=0, metavar="N", help="Begin with the N newest events of each topic.")
    ] = None,
    url: Annotated[
        str | None,
        typer.Option(
            envvar="PULSE_URL",
            show_default=default_of("url"),
            help="The server: ws://host/ws or http://host.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Follow topics live. A lost connection is made again, and goes on where it was: nothing is missed.

    Gaps that the server reports are printed, too.
    """
    from pulse_radar.cli.tailing.connection import Tail

    following = _following(topics or [], since, last)
    show = print_json if as_json else print_plain
    address = Address.parse(Settings.load(url=url).url)
    with suppress(NobodyReads):
        run(Tail(address, following, show).run())


def _following(topics: list[str], since: str | None, last: int | None) -> Following:
    feeds = tuple(dict.fromkeys(Feed.parse(item) for text in topics for item in text.split(",") if item))
    if sum(len(str(feed)) + 1 for feed in feeds) > _FEEDS_LENGTH:
        raise UsageError(
            "these are too many topics for one connection: follow whole topics, or use several tails"
        )
    if since is None:
        return Following(feeds, {}, Beginning(last=last))
    if last is not None:
        raise InvalidCursor("--since and --last are two different beginnings: give one of them")
    if ":" in since:
        return Following(feeds, _positions(since), Beginning())
    position = parse_sequence(since, since)
    if position != 0 and len(feeds) != 1:
        raise InvalidCursor(
            f"--since {since} is a position in one topic: name that topic, or write topic:{since} for each"
        )
    return Following(feeds, {}, Beginning(after=position))


def _positions(text: str) -> Mapping[Feed, int]:
    positions: dict[Feed, int] = {}
    for item in text.split(","):
        name, _, digits = item.strip().rpartition(":")
        positions[Feed.parse(name)] = parse_sequence(digits, item)
    return positions
