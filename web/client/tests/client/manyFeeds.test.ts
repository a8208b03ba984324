/** Server-sent events with more feeds than an address has room for: what is left out is said. */

import { createClient } from "pulse-radar";
import { FakeClock, FakeServer, settled } from "pulse-radar/testing";
import { expect, test } from "vitest";

interface Events {
  tasks: Record<string, unknown>;
}

/** As the server: whatever is longer is answered with 400. */
const MOST_CHARACTERS = 4 * 1024;

test("a stream asks for what it has room for, and the page hears what it left out", async () => {
  const server = new FakeServer({ topics: ["tasks"] });
  const clock = new FakeClock();
  const told: string[] = [];
  const seen: string[] = [];
  const client = createClient<Events>({
    url: "/ws",
    world: { ...server.world, ...clock.world },
    onError: ({ code, topic }) => told.push(`${code} ${topic}`),
  });
  const keys = Array.from({ length: 200 }, (_, number) => `k${number}-${"x".repeat(20)}`);
  for (const key of keys)
    client.topic("tasks", { key }).subscribe((news) => news.kind === "event" && seen.push(`${news.key}`));
  await settled();
  server.hasSockets = false;
  server.cut();
  for (let attempt = 0; attempt < 8; attempt++) await clock.advance(20_000);
  const stream = server.asked.filter((address) => address.includes("/events")).at(-1) ?? "";
  const asked = new URL(stream).searchParams.get("topics")?.split(",") ?? [];
  expect(client.connection.status).toBe("open");
  expect(stream.length).toBeLessThan(MOST_CHARACTERS);
  expect(asked.length).toBeGreaterThan(50);
  const left = keys.filter((key) => !asked.includes(`tasks/${key}`));
  expect(new Set(told)).toEqual(new Set(left.map((key) => `too_many_subscriptions tasks/${key}`)));
  for (const key of keys) server.publish("tasks", "done", 1, { key });
  await settled();
  expect(seen).toEqual(keys.filter((key) => !left.includes(key)));
});
