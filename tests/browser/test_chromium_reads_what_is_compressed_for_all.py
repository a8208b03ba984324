"""PULSE_COMPRESSION with the client that most have: what is compressed once for all, Chromium reads."""

import asyncio

from pulse_radar.protocol.json_value import JsonValue
from tests.browser.chromium import chromium
from tests.server.serving import app_with, make_pulse, serving

WORDS = "the same words " * 200

# What it was sent, in order, and what was agreed on. Its frame is long enough to be compressed.
FOLLOW = """async ([port, words]) => {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?topics=messages`);
  const came = [];
  window.came = came;
  await new Promise((resolve) => {
    socket.onmessage = ({data}) => {
      const frame = JSON.parse(data);
      if ("_seq" in frame) came.push(frame.data);
      if (frame.data.topic === "knowledge") resolve();
    };
    socket.onopen = () => socket.send(JSON.stringify({action: "subscribe", topic: "knowledge", padding: words}));
  });
  return socket.extensions;
}"""


async def test_chromium_reads_it_and_compresses_what_it_says_itself() -> None:
    pulse = make_pulse(compression=True)
    async with asyncio.timeout(60), serving(app_with(pulse)) as server, chromium() as browser:
        page = await browser.new_page()
        await page.goto(f"http://127.0.0.1:{server.port}/health")
        agreed = await page.evaluate(FOLLOW, [server.port, WORDS])
        assert "permessage-deflate" in agreed
        sent: list[JsonValue] = [{"number": number, "words": WORDS * number} for number in range(5)]
        for data in sent:
            await pulse.publish("knowledge", "atom_created", data)
        await page.wait_for_function("window.came.length === 5")
        assert await page.evaluate("window.came") == sent
