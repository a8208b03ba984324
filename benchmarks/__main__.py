"""All of `make bench`, one after the other, in this process.

python -m benchmarks [--quick]
"""

import sys

from benchmarks import connections, fanout

if __name__ == "__main__":
    if "--quick" in sys.argv:
        sys.argv = [sys.argv[0], "--rounds", "1"]
    fanout.main()
    connections.main()
