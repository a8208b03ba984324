"""However many clients are behind, and however often they ask, the loop has its turn between their pages."""

import asyncio
import time

from pulse_radar.server.turns import Turns


def slow(milliseconds: float) -> None:
    ends_at = time.perf_counter() + milliseconds / 1_000
    while time.perf_counter() < ends_at:
        pass


async def test_the_loop_runs_between_pages_and_they_come_in_order() -> None:
    seen: list[str] = []

    def give(connection_id: str) -> None:
        slow(3)
        seen.append(connection_id)

    turns = Turns(give)
    for name in "abc":
        turns.ask(name)
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
            turns.ask(connection_id)

    turns = Turns(give)
    turns.ask("greedy")
    turns.ask("modest")
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
    turns = Turns(give)
    for name in ("broken", "sound"):
        turns.ask(name)
    while not seen:
        await asyncio.sleep(0)
    assert seen == ["sound"]
    assert [type(one) for one in told] == [ValueError]
