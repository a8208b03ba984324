/** Tabs that share one connection: a leader that goes, freezes or comes back costs nobody an event. */

import { expect, test } from "vitest";
import { createClient, type EventTypes } from "../../src/index.js";
import { FakeClock, FakeServer, settled } from "../../src/testing/index.js";
import { FakeBrowser, type FakeTab } from "./fakeBrowser.js";

async function eight(): Promise<{ browser: FakeBrowser; tabs: FakeTab[] }> {
  const browser = new FakeBrowser();
  const tabs = Array.from({ length: 8 }, () => browser.open());
  for (const tab of tabs) tab.follow("knowledge");
  await browser.pass(1_000);
  return { browser, tabs };
}

test("eight tabs have one connection, and each sees everything once", async () => {
  const { browser, tabs } = await eight();
  for (let event = 1; event <= 3; event++) browser.server.publish("knowledge", "atom_created", event);
  await settled();
  expect(browser.server.connections).toBe(1);
  expect(tabs.map(({ seen }) => seen)).toEqual(tabs.map(() => [1, 2, 3]));
  expect(tabs.map(({ client }) => client.connection.status)).toEqual(tabs.map(() => "open"));
});

test("a leader that is closed hands over, and nobody misses or repeats an event", async () => {
  const { browser, tabs } = await eight();
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  tabs[0]?.client.close();
  browser.server.publish("knowledge", "atom_created", 2);
  await browser.pass(1_000);
  browser.server.publish("knowledge", "atom_created", 3);
  await settled();
  expect(browser.server.connections).toBe(1);
  expect(tabs.slice(1).map(({ seen }) => seen)).toEqual(tabs.slice(1).map(() => [1, 2, 3]));
  expect(tabs[0]?.seen).toEqual([1]);
});

test("a leader that crashes is followed by another, and nobody misses or repeats an event", async () => {
  const { browser, tabs } = await eight();
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  tabs[0]?.crash(browser);
  browser.server.publish("knowledge", "atom_created", 2);
  await browser.pass(1_000);
  browser.server.publish("knowledge", "atom_created", 3);
  await settled();
  expect(tabs.slice(1).map(({ seen }) => seen)).toEqual(tabs.slice(1).map(() => [1, 2, 3]));
});

test("a leader that crashes before the first event costs nobody that event", async () => {
  const { browser, tabs } = await eight();
  tabs[0]?.crash(browser);
  browser.server.publish("knowledge", "atom_created", 1);
  await browser.pass(1_000);
  browser.server.publish("knowledge", "atom_created", 2);
  await settled();
  expect(tabs.slice(1).map(({ seen }) => seen)).toEqual(tabs.slice(1).map(() => [1, 2]));
});

test("a new leader that had not heard all of the old one repeats nothing to those who had", async () => {
  const { browser, tabs } = await eight();
  const [leader, next] = tabs;
  if (!leader || !next) return expect.unreachable();
  next.isFrozen = true;
  browser.server.publish("knowledge", "atom_created", 1);
  browser.server.publish("knowledge", "atom_created", 2);
  await settled();
  // The others are introduced before the server is there again.
  browser.server.stop();
  leader.crash(browser);
  await settled();
  next.thaw();
  await settled();
  browser.server.start();
  browser.server.publish("knowledge", "atom_created", 3);
  await browser.pass(30_000);
  expect(tabs.slice(1).map(({ seen }) => seen)).toEqual(tabs.slice(1).map(() => [1, 2, 3]));
});

test("a leader that dies before it heard where a tab is costs that tab nothing", async () => {
  const { browser, tabs } = await eight();
  const [leader, next, last] = tabs;
  if (!leader || !next || !last) return expect.unreachable();
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  last.isFrozen = true;
  leader.crash(browser);
  browser.server.publish("knowledge", "atom_created", 2);
  await browser.pass(6_000);
  // It hears now how far the next leader has come, which will never hear of it.
  next.isFrozen = true;
  last.thaw();
  await settled();
  next.crash(browser);
  await browser.pass(6_000);
  expect(tabs.slice(2).map(({ seen }) => seen)).toEqual(tabs.slice(2).map(() => [1, 2]));
});

test("a leader that freezes is replaced, and follows when it thaws", async () => {
  const { browser, tabs } = await eight();
  const [leader] = tabs;
  if (!leader) return expect.unreachable();
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  leader.isFrozen = true;
  browser.server.publish("knowledge", "atom_created", 2);
  await browser.pass(25_000);
  browser.server.publish("knowledge", "atom_created", 3);
  await settled();
  expect(leader.seen).toEqual([1]);
  expect(tabs[1]?.seen).toEqual([1, 2, 3]);
  leader.thaw();
  await browser.pass(10_000);
  browser.server.publish("knowledge", "atom_created", 4);
  await settled();
  expect(browser.server.connections).toBe(1);
  expect(tabs.slice(1).map(({ seen }) => seen)).toEqual(tabs.slice(1).map(() => [1, 2, 3, 4]));
  expect(leader.seen).toEqual([1, 2, 3, 4]);
});

test("a tab that is slow with its news takes no living leader's place", async () => {
  const browser = new FakeBrowser();
  const [leader, slow] = [browser.open(), browser.open()];
  for (const tab of [leader, slow]) tab.follow("knowledge");
  await browser.pass(1_000);
  slow.isBehind = true;
  for (let event = 0; event < 400; event++) {
    browser.server.publish("knowledge", "atom_created", event);
    if (event % 10 === 0) slow.read(2);
    if (event % 5 === 0) await browser.pass(500);
  }
  expect(browser.server.asked).toHaveLength(1);
  slow.isBehind = false;
  slow.read(Number.POSITIVE_INFINITY);
  await browser.pass(1_000);
  expect(slow.seen).toEqual(Array.from({ length: 400 }, (_, event) => event));
});

test("each tab follows what it wants, and the leader what any of them wants", async () => {
  const browser = new FakeBrowser();
  const [one, other] = [browser.open(), browser.open()];
  one.follow("knowledge");
  other.follow("messages");
  await browser.pass(1_000);
  browser.server.publish("knowledge", "atom_created", "k");
  browser.server.publish("messages", "message", "m");
  await settled();
  expect([one.seen, other.seen]).toEqual([["k"], ["m"]]);
  other.client.close();
  await browser.pass(1_000);
  expect(browser.server.connections).toBe(1);
});

test("tabs share one stream of server-sent events where WebSockets do not come through", async () => {
  const browser = new FakeBrowser();
  browser.server.hasSockets = false;
  const tabs = [browser.open(), browser.open(), browser.open()];
  for (const tab of tabs) tab.follow("knowledge");
  await browser.pass(60_000);
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  expect(browser.server.asked.at(-1)).toContain("/events?topics=knowledge");
  expect(browser.server.connections).toBe(1);
  expect(tabs.map(({ seen }) => seen)).toEqual(tabs.map(() => [1]));
});

test("after a restart tabs are back on a WebSocket, though the server was there for the request behind the last failure", async () => {
  const browser = new FakeBrowser();
  let requests = 0;
  const fetch = async () => {
    requests += 1;
    if (requests < 3) throw new TypeError("the server is down");
    browser.server.start();
    return { ok: true, type: "basic" };
  };
  const tabs = [browser.open({ world: { fetch } }), browser.open({ world: { fetch } })];
  for (const tab of tabs) tab.follow("knowledge");
  await browser.pass(1_000);
  browser.server.stop();
  await browser.pass(60_000);
  expect(requests).toBe(3);
  expect(browser.server.asked.at(-1)).toContain("/ws?topics=knowledge");
  expect(tabs.map(({ client }) => client.connection.status)).toEqual(tabs.map(() => "open"));
});

test("a tab that comes later is given the state of a state topic", async () => {
  const browser = new FakeBrowser();
  const one = browser.open();
  one.follow("metrics");
  await browser.pass(1_000);
  browser.server.publish("metrics", "load", 1, { key: "a" });
  await settled();
  const other = browser.open();
  other.follow("metrics");
  await browser.pass(1_000);
  browser.server.publish("metrics", "load", 2, { key: "b" });
  await settled();
  expect(one.seen.slice(0, 2)).toEqual(["snapshot", 1]);
  expect(other.seen).toEqual(["snapshot", 1, 2]);
});

test("a tab that cannot talk to others has a connection of its own", async () => {
  const { server, seen } = { server: new FakeServer({ topics: ["knowledge"] }), seen: [] as unknown[] };
  const clock = new FakeClock();
  const world = { ...server.world, ...clock.world, navigator: {} };
  const client = createClient<EventTypes>({ url: "/ws", shared: "anna", world });
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", 1);
  expect(seen).toEqual([1]);
});

test("tabs of different people share nothing", async () => {
  const browser = new FakeBrowser();
  const names = ["anna", "berta"].map((shared) => {
    const tab = browser.open({ shared });
    tab.follow("knowledge");
    return tab.lockNames;
  });
  await browser.pass(1_000);
  const scopes = names.map((locks) => new Set(locks.map((lock) => lock.split(":")[2])));
  expect(scopes).toEqual([new Set(["anna"]), new Set(["berta"])]);
});

test("a tab that crashes is followed for no longer", async () => {
  const browser = new FakeBrowser();
  const [leader, other] = [browser.open(), browser.open()];
  leader.follow("knowledge");
  await browser.pass(1_000);
  other.follow("messages");
  await browser.pass(1_000);
  expect(browser.server.followed).toEqual(["knowledge", "messages"]);
  other.crash(browser);
  await browser.pass(5_000);
  expect(browser.server.followed).toEqual(["knowledge"]);
});

test("a tab that may hold no lock has a connection of its own", async () => {
  const browser = new FakeBrowser();
  const tab = browser.open({
    world: { navigator: { locks: { request: () => Promise.reject(new Error("sandboxed")) } } },
  });
  tab.follow("knowledge");
  await browser.pass(1_000);
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  expect(tab.seen).toEqual([1]);
});

test("a leader that freezes and follows again has kept its quiet keys young", async () => {
  const browser = new FakeBrowser();
  const [old, heir] = [browser.open(), browser.open()];
  old.client.topic("monitoring", { key: "quiet" }).subscribe((told) => {
    if (told.kind !== "subscribed") old.seen.push(told.kind);
  });
  heir.follow("knowledge");
  await browser.pass(1_000);
  // Much happens to other keys; a ping says that nothing happened to this one, and the leader has heard it.
  for (let n = 0; n < 100; n++) browser.server.publish("monitoring", "job", n, { key: "busy" });
  // biome-ignore lint/suspicious/noExplicitAny: the fake server sends no pings by itself
  for (const session of (browser.server as any).sessions)
    session.say({
      kind: "ping",
      timestampMs: 0,
      lastSeq: { "monitoring/quiet": browser.server.position("monitoring") },
    });
  await browser.pass(6_000);
  expect(browser.tabs[0]).toBe(old);
  browser.server.expire("monitoring");
  old.isFrozen = true;
  await browser.pass(60_000);
  old.thaw();
  await browser.pass(10_000);
  expect(browser.server.connections).toBe(1);
  expect(browser.server.followed).toEqual(["knowledge", "monitoring/quiet"]);
  expect(old.seen).toEqual([]);
});

test("a tab that hears late of two leaders, one after the other, is told of nothing twice", async () => {
  const browser = new FakeBrowser();
  const [first, second, third, slow] = [browser.open(), browser.open(), browser.open(), browser.open()];
  for (const tab of [third, slow]) tab.follow("knowledge");
  await browser.pass(1_000);
  slow.isBehind = true;
  for (const [index, leader] of [first, second].entries()) {
    browser.server.publish("knowledge", "atom_created", index);
    leader.client.close();
    await settled();
  }
  browser.server.publish("knowledge", "atom_created", 2);
  await settled();
  // What follows from each message has time to happen before the next.
  for (let message = 0; message < 50; message++) {
    slow.read(1);
    await settled();
  }
  slow.isBehind = false;
  browser.server.publish("knowledge", "atom_created", 3);
  await settled();
  expect([third.seen, slow.seen]).toEqual([
    [0, 1, 2, 3],
    [0, 1, 2, 3],
  ]);
});

/** A tab froze while a leader lived; it thaws, with all that was said meanwhile, when that one is long gone. */
async function thawing() {
  const browser = new FakeBrowser();
  const [leader, frozen, other] = [browser.open(), browser.open(), browser.open()];
  for (const tab of [frozen, other]) tab.follow("knowledge");
  await browser.pass(1_000);
  frozen.isFrozen = true;
  browser.server.publish("knowledge", "atom_created", 1);
  // A beat comes between the events.
  await browser.pass(6_000);
  browser.server.publish("knowledge", "atom_created", 2);
  await settled();
  // The lock goes to the next in line, which is frozen and says nothing; so the other one takes it.
  leader.client.close();
  await browser.pass(30_000);
  browser.server.publish("knowledge", "atom_created", 3);
  await settled();
  return { browser, frozen, other };
}

/** One event more, and all that there were have come to each of them. */
async function hearAll(browser: FakeBrowser, tabs: readonly FakeTab[]) {
  await browser.pass(10_000);
  browser.server.publish("knowledge", "atom_created", 4);
  await settled();
  expect(tabs.map(({ seen }) => seen)).toEqual(tabs.map(() => [1, 2, 3, 4]));
}

test("a frozen tab that was given the lead and lost it hears every event once and in order when it thaws", async () => {
  const { browser, frozen, other } = await thawing();
  frozen.thaw();
  await hearAll(browser, [other, frozen]);
});

test("nor does it lose one where its new leader hears all that it says before the server has answered", async () => {
  const { browser, frozen, other } = await thawing();
  other.isBehind = true;
  frozen.thaw();
  await settled();
  other.read(Number.POSITIVE_INFINITY);
  other.isBehind = false;
  other.read(Number.POSITIVE_INFINITY);
  await hearAll(browser, [other, frozen]);
});

test("a tab that is loaded anew soon after it followed something goes on there", async () => {
  const browser = new FakeBrowser();
  browser.open().follow("knowledge");
  await browser.pass(6_000);
  const tab = browser.open({ resume: true });
  await browser.pass(500);
  tab.follow("messages");
  // Sooner than the leader's next beat.
  await browser.pass(500);
  browser.server.publish("messages", "message", 1);
  await settled();
  const reloaded = browser.reload(tab);
  browser.server.publish("messages", "message", 2);
  reloaded.follow("messages");
  await browser.pass(1_000);
  expect([tab.seen, reloaded.seen]).toEqual([[1], [2]]);
});

test("a tab that is loaded anew when it knows no more of its leader than that it is another one goes on where it was", async () => {
  const browser = new FakeBrowser();
  const [leader, , tab] = [browser.open(), browser.open(), browser.open({ resume: true })];
  tab.follow("knowledge");
  await browser.pass(1_000);
  browser.server.publish("knowledge", "atom_created", 1);
  await settled();
  tab.isBehind = true;
  leader.client.close();
  await settled();
  // The first beat of the next leader, which has not heard yet what is followed here.
  tab.read(1);
  const reloaded = browser.reload(tab);
  browser.server.publish("knowledge", "atom_created", 2);
  reloaded.follow("knowledge");
  await browser.pass(1_000);
  expect([tab.seen, reloaded.seen]).toEqual([[1], [2]]);
});

test("the connection of a tab that follows is the same object until it changes", async () => {
  const browser = new FakeBrowser();
  const [leader, other] = [browser.open(), browser.open()];
  for (const tab of [leader, other]) tab.follow("knowledge");
  await browser.pass(1_000);
  let changes = 0;
  other.client.onConnection(() => changes++);
  const before = other.client.connection;
  expect(before.status).toBe("open");
  await browser.pass(20_000);
  expect(changes).toBe(0);
  expect(other.client.connection).toBe(before);
});

test("since when a tab is connected and until when it waits is told by its own clock", async () => {
  const browser = new FakeBrowser();
  const leader = browser.open();
  leader.follow("knowledge");
  await browser.pass(100_000);
  // The clock of a page begins with the page; that of the wall goes on.
  const other = browser.open({ world: { Date: { now: () => leader.clock.now } } });
  other.follow("knowledge");
  await browser.pass(1_000);
  const ago = ({ client, clock }: FakeTab) =>
    client.connection.status === "open" ? clock.now - client.connection.since : undefined;
  expect(ago(other)).toBe(ago(leader));
  browser.server.stop();
  await browser.pass(500);
  const { connection } = other.client;
  if (connection.status !== "waiting") return expect.unreachable();
  expect(connection.until - other.clock.now).toBeLessThanOrEqual(20_000);
});
