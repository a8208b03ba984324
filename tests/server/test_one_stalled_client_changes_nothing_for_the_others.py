"""One client that stalls, in each way that there is: the others' events come as soon as without it.

The full measurement is `python -m benchmarks.stalled_client`; its bound of 1.2 is held in `make slow`.
"""

import pytest
from benchmarks.stalled_client import measure

ATTEMPTS = 3

# Enough to tell a server that waits for a stalled client from a machine that is busy with something else.
QUICK_RATIO = 3.0


@pytest.mark.timeout(240)
async def test_the_others_are_not_kept_waiting() -> None:
    ratios: list[float] = []
    for _ in range(ATTEMPTS):
        figures = await measure(clients=99, rounds=3, seconds=1)
        ratios.append(max(kind["ratio"] for kind in figures.values()))
        if ratios[-1] < QUICK_RATIO:
            return
    raise AssertionError(f"with it they wait {ratios} times as long")


@pytest.mark.slow
@pytest.mark.timeout(1_200)
async def test_the_99th_percentile_of_999_others_stays_within_a_fifth() -> None:
    figures = await measure(clients=999, rounds=9, seconds=4)
    assert max(kind["ratio"] for kind in figures.values()) <= 1.2, figures
