"""The recipe of the README: rows over REST with the position taken before the query, then what comes after it."""

import asyncio

import httpx

from pulse_radar import Pulse
from tests.server.serving import Client, app_with, make_pulse, serving

ATOMS = 400


async def test_a_page_that_loads_and_then_follows_has_every_row() -> None:
    pulse: Pulse = make_pulse()
    app = app_with(pulse)
    rows: list[int] = []

    @app.get("/atoms")
    async def atoms() -> dict[str, object]:
        position = pulse.position("knowledge")
        # A database takes its time, and meanwhile rows are written and announced.
        await asyncio.sleep(0.005)
        return {"atoms": list(rows), "lastSeq": str(position)}

    async def write() -> None:
        for number in range(ATOMS):
            rows.append(number)
            await pulse.publish("knowledge", "atom_created", {"n": number})
            await asyncio.sleep(0.001)

    async with serving(app) as server:
        writing = asyncio.create_task(write())
        pages = [asyncio.create_task(_open_page(server.port, delay=0.1 * number)) for number in range(5)]
        await writing
        for page in pages:
            loaded, followed = await page
            assert sorted({*loaded, *followed}) == list(range(ATOMS))
            assert followed == list(range(followed[0], ATOMS))


async def _open_page(port: int, *, delay: float) -> tuple[list[int], list[int]]:
    """What the page loaded, and what it then saw until the last atom."""
    await asyncio.sleep(delay)
    async with httpx.AsyncClient() as http:
        loaded = (await http.get(f"http://127.0.0.1:{port}/atoms")).json()
    followed: list[int] = []
    async with Client(port, f"?topics=knowledge&lastSeq={loaded['lastSeq']}") as client:
        while ATOMS - 1 not in followed:
            frame = await client.next()
            assert frame.get("type") != "gap"
            if "_seq" in frame:
                followed.append(frame["data"]["n"])
    return loaded["atoms"], followed
