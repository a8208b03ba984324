"""Hooks that answer what was not asked: no yes and no person comes of it, and the app's developer is told."""

import asyncio
from typing import Any

import pytest
from fastapi import Depends, HTTPException, Response

from tests.server.serving import Client, app_with, asking, make_pulse, serving

# What an app returns by mistake. All of it is true in Python's sense.
MISTAKES = {
    "an error that was to be raised": lambda: HTTPException(403),
    "an answer of HTTP": lambda: Response(status_code=403),
    "what nobody awaited": lambda: asyncio.get_running_loop().create_future(),
}


def answering(make: Any) -> dict[str, Any]:
    """The hook as an async function, and as a dependency."""

    async def function(*_: object) -> Any:
        return make()

    async def dependency() -> Any:
        return make()

    return {"function": function, "dependency": Depends(dependency)}


@pytest.mark.parametrize("nobody", [None, False, ""], ids=repr)
async def test_who_is_no_one_is_nobody(nobody: object) -> None:
    """`lambda request: bearer_token(request) == SECRET` answers False."""
    async with serving(app_with(make_pulse(authenticate=lambda _: nobody))) as server:
        async with Client(server.port) as client:
            assert await client.closed() == (4401, "unauthenticated")
        async with asking(server.port) as http:
            assert (await http.post("/publish", json={})).status_code == 401


@pytest.mark.parametrize("how", ["function", "dependency"])
@pytest.mark.parametrize("mistake", MISTAKES)
async def test_what_names_nobody_lets_nobody_in(
    mistake: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    pulse = make_pulse(authenticate=answering(MISTAKES[mistake])[how])
    async with serving(app_with(pulse)) as server, Client(server.port) as client:
        assert (await client.closed())[0] == 1011
    assert "authenticate answered a " in caplog.text


@pytest.mark.parametrize(
    "answer", [*MISTAKES.values(), lambda: "no", lambda: 1], ids=[*MISTAKES, "a text", "a number"]
)
async def test_what_is_no_yes_and_no_no_allows_nothing(answer: Any, caplog: pytest.LogCaptureFixture) -> None:
    pulse = make_pulse(authorize=answering(answer)["function"])
    async with serving(app_with(pulse)) as server, Client(server.port) as client:
        assert (await client.closed())[0] == 1011
    assert "which is neither True nor False" in caplog.text


async def test_a_hook_that_is_cancelled_by_what_it_awaits_closes_with_1011() -> None:
    """Its client was told nothing, and the frame was lost."""

    async def authorize(_principal: object, _action: str, _topic: str, key: str | None) -> bool:
        if key is not None:
            gone = asyncio.get_running_loop().create_future()
            gone.cancel()
            await gone
        return True

    pulse = make_pulse(authorize=authorize)
    async with serving(app_with(pulse)) as server, Client(server.port, "?topics=knowledge") as client:
        await client.until("subscription")
        await client.say(action="subscribe", topic="messages", key="a1")
        assert await client.closed() == (1011, "a permission could not be looked up")
