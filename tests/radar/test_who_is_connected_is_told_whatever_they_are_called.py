"""The list of connections is an event of bounded size: a hundred clients made it too large, and it ended for ever."""

import contextlib

from starlette.requests import HTTPConnection

from pulse_radar.auth import Principal
from pulse_radar.radar.connections import Desk
from pulse_radar.testing import connect
from tests.server.serving import app_with, make_pulse

# As many of the longest as the whole of the list would have.
KEYS = [f"knowledge/{number:03}{'k' * 125}" for number in range(20)]


def authenticate(connection: HTTPConnection) -> Principal:
    # As a signed token may name it: JSON lets half a surrogate pair through.
    return Principal(subject="\ud800" + "x" * 10_000 if "x-long" in connection.headers else "ada")


async def test_a_hundred_with_the_longest_names_fit_into_the_event() -> None:
    pulse = make_pulse(authenticate=authenticate)
    pulse.topic("connections", kind="state")
    desk, app = Desk(pulse), app_with(pulse)
    async with connect(app, "connections") as page, contextlib.AsyncExitStack() as clients:
        for _ in range(99):
            client = connect(app, KEYS, headers={"X-Long": "1"}, lifespan=False)
            await clients.enter_async_context(client)
        seen = desk._seen()
        await pulse.publish(seen)
        assert (await page.next("connections_seen", timeout=60)).key == desk.process
    assert {len(client.topics) for client in seen.shown} == {1, 7}
    assert {client.who[:2] for client in seen.shown} == {"?x", "ad"}
