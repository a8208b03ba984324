"""A client far behind: pages from the broker and then from the window, amid live traffic, in bounded memory."""

import asyncio

from pulse_radar.server.transport import CONGESTED_BYTES
from tests.server.serving import Client, app_with, make_pulse, serving

BEHIND = 4_000
TEXT = "x" * 300


async def test_it_arrives_whole_amid_live_traffic_and_never_piles_up() -> None:
    pulse = make_pulse(window_events=200)
    async with serving(app_with(pulse)) as server:
        first = await pulse.publish("messages", "thing_happened", {"text": TEXT})
        places = [await pulse.publish("knowledge", "thing_happened", {"text": TEXT}) for _ in range(BEHIND)]
        most_unsent = 0

        async def live_traffic() -> None:
            nonlocal most_unsent
            while True:
                places.append(await pulse.publish("knowledge", "thing_happened", {"text": TEXT}))
                most_unsent = max(most_unsent, pulse.stats().most_unsent_bytes)
                await asyncio.sleep(0.001)

        start = places[0].sequence - 1
        query = f"?topics=messages,knowledge&lastSeq=knowledge:{start},{first}"
        async with Client(server.port, query, compression=None) as late:
            traffic = asyncio.create_task(live_traffic())
            try:
                seen: list[int] = []
                is_live = False
                while not is_live or len(seen) < BEHIND + 50:
                    frame = await late.next()
                    is_live = is_live or frame.get("data", {}).get("topic") == "knowledge"
                    if frame.get("topic") == "knowledge":
                        seen.append(frame["_seq"])
            finally:
                traffic.cancel()
        assert seen == list(range(start + 1, start + 1 + len(seen)))
        # A page on its way, and one more that was asked for.
        assert most_unsent <= 2 * CONGESTED_BYTES
        assert pulse.stats().hub.evicted_slow == 0
        assert pulse.stats().hub.gaps == {}
