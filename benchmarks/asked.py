"""What a benchmark of peers is asked for on its command line: how many clients, how many rounds, which of them."""

import argparse
from collections.abc import Mapping
from typing import Self

import msgspec

from benchmarks.arena import Peer

__all__ = ["Asked", "parser"]

# Of a look that shows that it works.
_FEW_CLIENTS = 100


class Asked(msgspec.Struct, frozen=True):
    """`is_whole`: of all peers and no mere look, so that its figures are worth being kept."""

    peers: list[Peer]
    clients: int
    rounds: int
    is_whole: bool

    @classmethod
    def of(cls, given: argparse.Namespace, peers: Mapping[str, Peer], *, few: int = _FEW_CLIENTS) -> Self:
        """`few`: clients of a look."""
        return cls(
            peers=[peers[name] for name in given.only or peers],
            clients=few if given.quick else given.clients,
            rounds=1 if given.quick else given.rounds,
            is_whole=not (given.quick or given.only),
        )


def parser(
    description: str | None, peers: Mapping[str, Peer], *, clients: int, rounds: int
) -> argparse.ArgumentParser:
    """With these defaults; a benchmark may add what is its own."""
    arguments = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--clients", type=int, default=clients)
    arguments.add_argument("--rounds", type=int, default=rounds)
    arguments.add_argument("--only", action="append", choices=list(peers), metavar="NAME", help="this peer")
    arguments.add_argument("--quick", action="store_true", help="a look: few clients, one round")
    return arguments
