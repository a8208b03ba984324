"""The harness on the command line."""

import argparse
import asyncio
import random
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console

from pulse_radar.testing.fire.report import Report, show
from pulse_radar.testing.fire.run import run
from pulse_radar.testing.fire.shape import Shape


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once. Returns the exit code: 1, when the promise was broken."""
    options = _parser().parse_args(arguments)
    seed = random.randrange(2**32) if options.seed is None else options.seed  # noqa: S311 - any will do
    # What is found is told with the seed, what happens meanwhile is for a person who watches.
    progress = Console(stderr=True)
    progress.print(f"seed {seed}: the same options with --seed {seed} make the same plan of faults again")
    report = _run(options, seed, progress)
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        show(report, Console())
    return 0 if report.is_kept else 1


def _run(options: argparse.Namespace, seed: int, progress: Console) -> Report:
    folder = Path(options.keep or tempfile.mkdtemp(prefix=f"fire-{seed}-"))
    shape = Shape(
        brokers=options.brokers,
        apis=options.apis,
        workers=options.workers,
        crowds=options.crowds,
        clients=options.clients,
        gap_seconds=options.gap,
        rest_seconds=options.rest,
        app=options.app,
    )

    def tell(text: str) -> None:
        progress.print(text, highlight=False)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        report = runner.run(run(folder, seed, options.seconds, shape, tell))
    if report.is_kept and not options.keep:
        shutil.rmtree(folder)
    return report


def _parser() -> argparse.ArgumentParser:
    shape = Shape()
    parser = argparse.ArgumentParser(
        prog="fire", description="Break everything at random, and prove that the promise was kept."
    )
    parser.add_argument("--seed", type=int, help="the plan of faults to follow (any)")
    parser.add_argument("--seconds", type=float, default=30, help="how long faults happen (30)")
    for name, default, what in (
        ("clients", shape.clients, "clients"),
        ("crowds", shape.crowds, "processes that hold the clients"),
        ("apis", shape.apis, "API processes"),
        ("workers", shape.workers, "processes that publish"),
    ):
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{what} ({default})")
    brokers = "nats-servers; three are a cluster (1)"
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=shape.brokers, help=brokers)
    gap = f"seconds between two faults on average ({shape.gap_seconds:g})"
    parser.add_argument("--gap", type=float, default=shape.gap_seconds, help=gap)
    rest = f"seconds in which everything must have arrived in the end ({shape.rest_seconds:g})"
    parser.add_argument("--rest", type=float, default=shape.rest_seconds, help=rest)
    parser.add_argument(
        "--app", default=shape.app, help="another app with the topics of a run, as MODULE:APP"
    )
    parser.add_argument("--keep", metavar="FOLDER", help="where logbooks and outputs are written, and kept")
    parser.add_argument("--json", action="store_true", help="the report as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
