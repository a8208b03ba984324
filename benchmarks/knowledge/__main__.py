"""`python -m benchmarks.knowledge` writes the table of the docs and tells the speed; `… train` makes the model."""

import sys

from benchmarks.knowledge.speed import messages_per_second
from benchmarks.knowledge.table import table, write_table
from benchmarks.knowledge.train import train

if sys.argv[1:] == ["train"]:
    train()
else:
    write_table()
    print(table())  # noqa: T201
    print(f"{messages_per_second():,.0f} messages a second on one core")  # noqa: T201
