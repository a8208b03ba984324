"""However many clients are behind, and however often they ask, the loop has its turn between their pages."""

import asyncio
import time
from functools import partial

from pulse_radar.hub.inputs import Arrived, Opened
from pulse_radar.protocol.cursor import parse_topics
from pulse_radar.server.allowance import NO_FRAMES
from pulse_radar.server.runner import Runner
from pulse_radar.server.session import Session
from pulse_radar.server.turns import Turns
from tests.hub.bench import event
from tests.server.serving import make_pulse
from tests.server.wires import Wire
from tests.stream.entries import reset
from tests.waiting import eventually


def slow(milliseconds: float) -> None:
    ends_at = time.perf_counter() + milliseconds / 1_000
    while time.perf_counter() < ends_at:
        pass


async def test_the_loop_runs_between_pages_and_they_come_in_order() -> None:
    seen: list[str] = []

    def give(connection_id: str) -> None:
        slow(3)
        seen.append(connection_id)

    turns = Turns()
    for name in "abc":
        turns.ask(partial(give, name))
    while "c" not in seen:
        await asyncio.sleep(0)
        seen.append("loop")
    assert [one for one in seen if one != "loop"] == ["a", "b", "c"]
    assert "loop" in seen[seen.index("a") : seen.index("b")]
    assert "loop" in seen[seen.index("b") : seen.index("c")]


async def test_who_asks_again_is_behind_the_others() -> None:
    seen: list[str] = []

    def give(connection_id: str) -> None:
        seen.append(connection_id)
        if len(seen) < 4:
            turns.ask(partial(give, connection_id))

    turns = Turns()
    turns.ask(partial(give, "greedy"))
    turns.ask(partial(give, "modest"))
    while len(seen) < 5:
        await asyncio.sleep(0)
    assert seen == ["greedy", "modest", "greedy", "modest", "greedy"]


async def test_one_whose_page_fails_takes_no_turn_from_the_others() -> None:
    seen: list[str] = []

    def give(connection_id: str) -> None:
        if connection_id == "broken":
            raise ValueError("no page")
        seen.append(connection_id)

    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: told.append(context["exception"]))
    turns = Turns()
    for name in ("broken", "sound"):
        turns.ask(partial(give, name))
    while not seen:
        await asyncio.sleep(0)
    assert seen == ["sound"]
    assert [type(one) for one in told] == [ValueError]


async def follow(runner: Runner, topic: str) -> Wire:
    wire, connection_id = Wire(), runner.new_connection_id()
    session = Session(connection_id, wire, runner, bounds=NO_FRAMES, visitor=None)
    await runner.serve(session, Opened(connection_id, parse_topics(topic)[0]))
    return wire


async def test_a_live_event_does_not_wait_until_everybody_has_a_state_that_began_anew() -> None:
    pulse = make_pulse(max_connections_per_address=1_000)
    pulse.topic("metrics", kind="state")
    async with pulse:
        runner = pulse._runner()
        readers = [await follow(runner, "metrics") for _ in range(100)]
        live = await follow(runner, "knowledge")
        here = pulse.position("metrics").sequence
        state = tuple(event("metrics", here + 1 + n, f"k{n}", size=100) for n in range(500))
        runner.tell(Arrived("metrics", (reset(here), *state)))
        while not any(reader.event_count for reader in readers):
            await asyncio.sleep(0)
        here = pulse.position("knowledge").sequence
        runner.tell(Arrived("knowledge", (event("knowledge", here + 1),)))
        while not live.event_count:
            await asyncio.sleep(0)
        assert not all(reader.event_count for reader in readers)
        await eventually(lambda: all(reader.event_count == len(state) for reader in readers))
