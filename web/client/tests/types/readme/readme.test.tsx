/** The example of both READMEs, which the compiler checks here with no types but its own, does what it says. */

import { readFileSync } from "node:fs";
import { FakeServer, settled } from "pulse-radar/testing";
import { act } from "react";
import { createRoot } from "react-dom/client";
import { expect, test, vi } from "vitest";

const example = readFileSync("tests/types/readme/example.tsx", "utf8");

test("the example has at most ten lines, and is the one that is compiled", () => {
  for (const readme of ["README.md", "../../README.md"])
    expect(readFileSync(readme, "utf8")).toContain(`\`\`\`tsx\n${example}\`\`\`\n`);
  expect(example.trimEnd().split("\n").length).toBeLessThanOrEqual(10);
});

test("the example shows each new atom first", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame"] });
  Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
  const server = new FakeServer({ topics: ["knowledge"] });
  vi.stubGlobal("WebSocket", server.world.WebSocket);
  vi.stubGlobal("location", server.world.location);
  const { App } = await import("./example.js");
  const place = document.createElement("div");
  await act(async () => {
    createRoot(place).render(<App />);
    await settled();
  });
  await act(async () => {
    server.publish("knowledge", "atom_created", { title: "Sans-I/O" });
    server.publish("knowledge", "atom_created", { title: "Cursors" });
    vi.advanceTimersByTime(300);
  });
  expect(place.innerHTML).toBe("<p>Cursors</p><p>Sans-I/O</p>");
});
