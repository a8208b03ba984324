/** Who begins to follow gets what they asked for, whatever else the page follows and whenever they come. */

import { type Client, createClient } from "pulse-radar";
import { FakeClock, FakeServer, settled } from "pulse-radar/testing";
import { expect, test } from "vitest";
import { FakeBrowser } from "./fakeBrowser.js";

interface Events {
  knowledge: Record<string, unknown>;
}

interface States {
  metrics: Record<string, unknown>;
}

/** All that there is of the state, as a component that wants all of it is told. */
function mapOf(client: Client<States>): ReadonlyMap<string | undefined, unknown> {
  const map = new Map<string | undefined, unknown>();
  client.topic("metrics").subscribe((told) => {
    if (told.kind === "snapshot") map.clear();
    if (told.kind === "event") map.set(told.key, told.data);
  });
  return map;
}

function page() {
  const server = new FakeServer({ topics: ["knowledge"] });
  const clock = new FakeClock();
  const client = createClient<Events>({ url: "/ws", world: { ...server.world, ...clock.world } });
  return { server, client };
}

test("what comes in the turn in which somebody begins takes no past from them", async () => {
  const { server, client } = page();
  const after = server.position("knowledge");
  client.on("knowledge", "happened", () => {});
  await settled();
  server.publish("knowledge", "happened", 1);
  server.publish("knowledge", "happened", 2);
  const seen: unknown[] = [];
  client.topic("knowledge", { after }).subscribe((told) => {
    if (told.kind === "event") seen.push(told.data);
    if (told.kind === "gap") seen.push("gap");
  });
  server.publish("knowledge", "happened", 3);
  await settled();
  expect(seen).toEqual([1, 2, 3]);
});

test("nor does what comes behind the event at which they begin: some runtimes hand out both before any microtask", async () => {
  const { server, client } = page();
  const after = server.position("knowledge");
  server.publish("knowledge", "happened", 1);
  const seen: unknown[] = [];
  let hasBegun = false;
  client.on("knowledge", "happened", () => {
    if (hasBegun) return;
    hasBegun = true;
    client.topic("knowledge", { after }).subscribe((told) => {
      if (told.kind === "event") seen.push(told.data);
      if (told.kind === "gap") seen.push("gap");
    });
  });
  await settled();
  server.publish("knowledge", "happened", 2);
  server.publish("knowledge", "happened", 3);
  await settled();
  expect(seen).toEqual([1, 2, 3]);
});

test("an event that the leader hears between `follow` and `settle` of another tab takes nothing from that tab", async () => {
  const browser = new FakeBrowser();
  const [leader, other] = [browser.open(), browser.open()];
  leader.follow("knowledge");
  other.follow("messages");
  await browser.pass(1_000);
  const after = browser.server.position("knowledge");
  for (const event of [1, 2]) browser.server.publish("knowledge", "happened", event);
  await settled();
  expect(leader.seen).toEqual([1, 2]);
  // The leader has something else to do; what it is told waits: the other tab's two messages, and an event between them.
  leader.isBehind = true;
  const seen: unknown[] = [];
  other.client.topic("knowledge", { after }).subscribe((told) => {
    if (told.kind === "event") seen.push(told.data);
    else if (told.kind !== "subscribed") seen.push(told.kind);
  });
  queueMicrotask(() => browser.server.publish("knowledge", "happened", 3));
  await settled();
  leader.isBehind = false;
  for (let message = 0; message < 10; message++) {
    leader.read(1);
    await settled();
  }
  await browser.pass(1_000);
  expect(leader.seen).toEqual([1, 2, 3]);
  expect(seen).toEqual([1, 2, 3]);
});

test("who wants all of a state is given it, where another one began from a position while the connection is being made", async () => {
  const server = new FakeServer({ state: ["metrics"] });
  const clock = new FakeClock();
  let show = (_token: string) => {};
  const client = createClient<States>({
    url: "/ws",
    // As an answer of a server takes a moment.
    getToken: () => new Promise<string>((resolve) => (show = resolve)),
    world: { ...server.world, ...clock.world },
  });
  server.publish("metrics", "set", 1, { key: "a" });
  server.publish("metrics", "set", 2, { key: "b" });
  // Rows were loaded over REST, with the position of that moment: load, then live.
  client.topic("metrics", { after: server.position("metrics") }).subscribe(() => {});
  await settled();
  // A second component is mounted a moment later, as `useKeyed` does it: it wants all there is.
  const map = mapOf(client);
  await settled();
  show("t");
  await settled();
  server.publish("metrics", "set", 3, { key: "c" });
  await settled();
  expect(Object.fromEntries(map)).toEqual({ a: 1, b: 2, c: 3 });
});

test("so they are where the connection is waiting to come back for the first time", async () => {
  const server = new FakeServer({ state: ["metrics"] });
  const clock = new FakeClock();
  const client = createClient<States>({ url: "/ws", world: { ...server.world, ...clock.world } });
  server.publish("metrics", "set", 1, { key: "a" });
  server.publish("metrics", "set", 2, { key: "b" });
  server.stop();
  client.topic("metrics", { after: server.position("metrics") }).subscribe(() => {});
  await settled();
  const map = mapOf(client);
  await settled();
  server.start();
  await clock.advance(20_000);
  await settled();
  server.publish("metrics", "set", 3, { key: "c" });
  await settled();
  expect(Object.fromEntries(map)).toEqual({ a: 1, b: 2, c: 3 });
});

test("who is live is not sent all that another one wanted of the past", async () => {
  const server = new FakeServer({ topics: ["knowledge"] });
  const clock = new FakeClock();
  let show = (_token: string) => {};
  const client = createClient<{ knowledge: Record<string, unknown> }>({
    url: "/ws",
    getToken: () => new Promise<string>((resolve) => (show = resolve)),
    world: { ...server.world, ...clock.world },
  });
  for (let old = 0; old < 5; old++) server.publish("knowledge", "happened", old);
  // A list of everything, and a moment later whoever shows a notice of each new event.
  client.topic("knowledge", { after: 0 }).subscribe(() => {});
  await settled();
  const notices: unknown[] = [];
  client.on("knowledge", "happened", ({ data }) => notices.push(data));
  await settled();
  show("t");
  await settled();
  server.publish("knowledge", "happened", "new");
  await settled();
  expect(notices).toEqual(["new"]);
});
