"""The generator on the command line."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from pulse_radar.testing.telegram_exports.writer import write_export


def main(arguments: Sequence[str] | None = None) -> int:
    """Write an export to a file. Returns the exit code."""
    options = _parser().parse_args(arguments)
    with Path(options.out).open("wb") as out:
        write_export(out, messages=options.messages, seed=options.seed, full=options.full, old=options.old)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="telegram_exports", description="Write a Telegram Desktop export.")
    parser.add_argument("--messages", type=int, default=2000, help="how many messages (2000)")
    parser.add_argument("--seed", type=int, default=0, help="another seed, another conversation (0)")
    parser.add_argument("--out", default="result.json", help="the file to write (result.json)")
    parser.add_argument("--full", action="store_true", help="a whole account instead of one chat")
    parser.add_argument("--old", action="store_true", help="as Telegram Desktop wrote until about 2021")
    return parser


if __name__ == "__main__":
    sys.exit(main())
