"""How hard Hypothesis tries, and an environment that no test leaves changed."""

import os
from collections.abc import Iterator
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.loop_watch import LoopWatch
from tests.postgres import PostgresServer

# Without a deadline: a shared machine pauses whenever it likes.
settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True)
settings.register_profile(
    "slow", max_examples=5_000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--storm-seconds",
        type=float,
        default=3.0,
        help="How long clients of other makers are followed through two cuts.",
    )


# Each of these is done by one process, one test after the other: two browsers at a time, or two systems of a dozen
# processes, need more processors than there are. They are begun first: begun last, they would keep one process busy
# long after the others have finished.
_ALONE = {
    "chromium": ("tests/browser/", "tests/dashboard/"),
    "many processes": ("tests/fire/test_the_promise", "tests/promise/", "tests/brokers/nats/cluster/"),
}


# These take long as well, and are begun next: the last to be begun shall be many and small.
_LONG = (
    "tests/stock_clients/",
    "tests/docs/",
    "tests/cli/",
    "tests/radar/",
    "tests/outbox/",
    "tests/brokers/",
)


class InGroups(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Which process does which test. (The marks of pytest-xdist 3.8 for this have no effect with pytest 9.2.)"""

    def _split_scope(self, nodeid: str) -> str:
        return _group(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> InGroups:
    return InGroups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest come first. What is marked slow runs in `make slow` only."""
    items.sort(key=lambda item: (_group(item.nodeid) not in _ALONE, not item.nodeid.startswith(_LONG)))
    if os.environ.get("HYPOTHESIS_PROFILE") != "slow":
        slow = [item for item in items if item.get_closest_marker("slow")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if item not in slow]


def _group(test: str) -> str:
    """Tests of a group run in one process, in turn: those of a file, or of several."""
    file = test.partition("::")[0]
    return next((group for group, files in _ALONE.items() if file.startswith(files)), file)


@pytest.fixture(autouse=True)
def environment() -> Iterator[None]:
    """Settings of whoever runs the tests do not reach them, and none of one test the next."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PULSE_")}
    with mock.patch.dict(os.environ, ours, clear=True):
        yield


@pytest.fixture(autouse=True)
def loop_watch() -> Iterator[LoopWatch]:
    """No event loop is blocked by code of ours."""
    watch = LoopWatch()
    with watch.watching():
        yield watch
    assert not watch.blocked, "\n".join(watch.blocked)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for all tests that name it; each takes a database of its own."""
    with PostgresServer() as server:
        yield server
