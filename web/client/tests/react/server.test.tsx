// @vitest-environment node
/** Rendering on a server, where there is no page and nothing to connect. */

import { createClient } from "pulse-radar";
import { PulseProvider, useConnection, useKeyed, useTopic } from "pulse-radar/react";
import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";

function Page() {
  const atoms = useTopic("knowledge", (count: number) => count + 1, 0);
  return <p>{`${atoms} ${useKeyed("metrics").size} ${useConnection().status}`}</p>;
}

test("a server renders the beginning, and connects to nothing", async () => {
  const warned = vi.spyOn(console, "error");
  const WebSocket = vi.fn();
  const client = createClient({ url: "/ws", world: { WebSocket: WebSocket as never } });
  const page = renderToString(
    <PulseProvider client={client}>
      <Page />
    </PulseProvider>,
  );
  await Promise.resolve();
  expect(page).toBe("<p>0 0 idle</p>");
  expect(WebSocket).not.toHaveBeenCalled();
  expect(warned).not.toHaveBeenCalled();
});

test("a hook without a provider says so", () => {
  expect(() => renderToString(<Page />)).toThrow("there is no PulseProvider around this component");
});
