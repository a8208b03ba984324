"""What the example serves: a page with a bar for each import that a worker is at, and who it is that serves it."""

import os

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from pulse_radar import Pulse

PAGE = """<!doctype html>
<title>Imports</title>
<p>Served by {name}.</p>
<ul></ul>
<script>
  const bars = new Map();
  const source = new EventSource("/events?topics=imports");
  source.onmessage = ({{ data }}) => {{
    const event = JSON.parse(data);
    if (!bars.has(event.key)) {{
      const line = document.createElement("li");
      line.append(document.createElement("progress"), ` ${{event.key}}`);
      document.querySelector("ul").append(line);
      bars.set(event.key, line.firstChild).get(event.key).max = 100;
    }}
    bars.get(event.key).value = event.data.done;
  }};
</script>
"""

pulse = Pulse()
pulse.topic("imports", kind="state", ttl="1h")
app = FastAPI(lifespan=pulse.lifespan)
app.include_router(pulse.router)


@app.get("/")
async def page() -> HTMLResponse:
    return HTMLResponse(PAGE.format(name=os.environ.get("HOSTNAME", "this machine")))
