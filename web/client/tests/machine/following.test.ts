/** Who in the page follows what, from where, and what the server is told about it. */

import { expect, test } from "vitest";
import { standings } from "../../src/machine/lines.js";
import { event, livePage, Page, subscribed } from "./page.js";

test("many readers of a topic are one subscription", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge");
  page.settle();
  page.receive(event("knowledge", 101));
  expect(page.sent()).toEqual([]);
  expect(page.seen("a")).toEqual([101]);
  expect(page.seen("b")).toEqual([101]);
});

test("events that come in one message are told in one piece, to each reader what is for it", () => {
  const page = livePage("monitoring", 100);
  page.follow("b", "monitoring");
  page.follow("key", "monitoring/x");
  page.receive(event("monitoring", 101, "x"));
  page.tell({ kind: "follow", id: "further", feed: "monitoring", at: 103 });
  page.effects = [];
  page.receive(...[102, 103, 104].map((sequence) => event("monitoring", sequence, sequence % 2 ? "x" : "y")));
  const told = page.effects.flatMap((effect) => (effect.kind === "tell" ? [effect.readers] : []));
  expect(told).toEqual([["a", "b"], ["key"], ["further"]]);
  expect(page.seen("a")).toEqual([101, 102, 103, 104]);
  expect(page.seen("key")).toEqual([101, 103]);
  expect(page.seen("further")).toEqual([104]);
});

test("whoever follows what is live already is told so once, and from where on", () => {
  const page = livePage("knowledge", 100);
  page.receive(event("knowledge", 101));
  page.follow("b", "knowledge");
  page.settle();
  expect(page.newsOf("b")).toEqual([subscribed("knowledge", 101)]);
  page.settle();
  expect(page.newsOf("b")).toHaveLength(1);
});

test("whoever follows is told that it is live, though an event came before the turn of the page was over", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge");
  page.receive(event("knowledge", 101));
  page.settle();
  expect(page.newsOf("b").map(({ kind }) => kind)).toEqual(["event", "subscribed"]);
});

test("whoever was served further on another connection is told that it is live once this one is there, and nothing again", () => {
  const page = livePage("knowledge", 100);
  page.tell({ kind: "follow", id: "b", feed: "knowledge", at: 102 });
  page.settle();
  page.receive(event("knowledge", 101));
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, event("knowledge", 103), subscribed("knowledge", 103, 1));
  page.receive({ kind: "unsubscribed", feed: "knowledge" });
  page.receive(...[101, 102, 103].map((sequence) => event("knowledge", sequence)), subscribed("knowledge", 103, 3));
  page.receive(event("knowledge", 104));
  expect(page.seen("a")).toEqual([101, 102, 103, 104]);
  expect(page.seen("b")).toEqual([103, 104]);
  expect(page.newsOf("b").slice(0, 2)).toEqual([event("knowledge", 103), subscribed("knowledge", 103, 1)]);
});

test("whoever stands further than the stream is asked about, and told of the reset that it had not heard of", () => {
  const page = livePage("knowledge", 50);
  page.tell({ kind: "follow", id: "b", feed: "knowledge", at: 100 });
  page.settle();
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","lastSeq":100}',
  ]);
  const reset = { kind: "gap", feed: "knowledge", from: null, to: 40, reason: "reset" } as const;
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, reset, event("knowledge", 41));
  page.receive(subscribed("knowledge", 41, 1), { kind: "unsubscribed", feed: "knowledge" });
  page.receive(event("knowledge", 41), subscribed("knowledge", 41, 1), event("knowledge", 42));
  for (const reader of ["a", "b"]) expect([page.gaps(reader), page.seen(reader)]).toEqual([[reset], [41, 42]]);
});

test("whoever comes to a state topic while a new leader connects is given the state", () => {
  const page = new Page();
  page.tell({ kind: "follow", id: "a", feed: "metrics", at: 7, isState: true });
  page.settle();
  page.follow("b", "metrics");
  page.settle();
  page.greet({ metrics: 7 });
  page.receive(subscribed("metrics", 7));
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"metrics"}',
    '{"action":"subscribe","topic":"metrics","lastSeq":0}',
  ]);
});

test("the last reader who leaves ends the subscription", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge");
  page.follow("c", "messages");
  page.settle();
  page.sent();
  page.unfollow("a");
  page.settle();
  expect(page.sent()).toEqual([]);
  page.unfollow("b");
  page.settle();
  expect(page.sent()).toEqual(['{"action":"unsubscribe","topic":"knowledge"}']);
});

test("whoever leaves and comes back in one turn is not noticed", () => {
  const page = livePage("knowledge", 100);
  page.unfollow("a");
  page.follow("b", "knowledge");
  page.settle();
  expect(page.sent()).toEqual([]);
  expect(page.connection.status).toBe("open");
});

test("a page that follows nothing is not connected", () => {
  const page = livePage("knowledge", 100);
  page.unfollow("a");
  page.settle();
  expect(page.connection.status).toBe("idle");
  expect(page.effects.at(-1)).toEqual({ kind: "drop" });
});

test("whoever follows anew what was left while it connects begins where it begins, not where the one before it was", () => {
  const page = livePage("messages", 200);
  for (const feed of ["metrics", "knowledge"]) page.follow(`old ${feed}`, feed);
  page.settle();
  page.receive(subscribed("metrics", 50), subscribed("knowledge", 100));
  page.lose(4000);
  page.pass(20_000);
  expect(page.opened.cursor).toEqual({ messages: 200, metrics: 50, knowledge: 100 });
  for (const feed of ["metrics", "knowledge"]) page.unfollow(`old ${feed}`);
  page.settle();
  for (const feed of ["metrics", "knowledge"]) page.follow(`new ${feed}`, feed);
  page.settle();
  page.sent();
  page.greet({ messages: 200, metrics: 50, knowledge: 100 });
  // The whole state, and what is published from now on.
  expect(page.sent().filter((text) => text.includes('"subscribe"'))).toEqual([
    '{"action":"subscribe","topic":"metrics"}',
    '{"action":"subscribe","topic":"knowledge"}',
  ]);
});

test("a page that follows nothing any more while it connects gives up connecting", () => {
  const page = new Page();
  page.follow("a", "knowledge");
  page.settle();
  page.unfollow("a");
  page.settle();
  expect(page.connection.status).toBe("idle");
  page.greet({ knowledge: 100 });
  expect(page.connection.status).toBe("idle");
});

test("what changes while it connects is said once the server has greeted", () => {
  const page = new Page();
  page.follow("a", "knowledge");
  page.settle();
  page.follow("b", "messages");
  page.unfollow("a");
  page.settle();
  page.greet({ knowledge: 100 });
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"messages"}',
  ]);
});

test("a reader that begins earlier is given what it wants, and the others nothing again", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge", { after: 98 });
  page.settle();
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","lastSeq":98}',
  ]);
  // Still on its way from before.
  page.receive(event("knowledge", 101));
  page.receive({ kind: "unsubscribed", feed: "knowledge" });
  page.receive(...[99, 100, 101, 102].map((sequence) => event("knowledge", sequence)));
  page.receive(subscribed("knowledge", 102, 4), event("knowledge", 103));
  expect(page.seen("a")).toEqual([101, 102, 103]);
  expect(page.seen("b")).toEqual([99, 100, 101, 102, 103]);
});

test("a cut in the middle of going back costs nobody anything", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge", { after: 97 });
  page.settle();
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, event("knowledge", 98));
  page.lose();
  page.pass(20_000);
  expect(page.opened.cursor).toEqual({ knowledge: 98 });
  page.greet({ knowledge: 98 });
  page.receive(...[99, 100, 101].map((sequence) => event("knowledge", sequence)));
  expect(page.seen("a")).toEqual([101]);
  expect(page.seen("b")).toEqual([98, 99, 100, 101]);
});

test("the newest events are asked for once the feed is live", () => {
  const page = new Page();
  page.follow("a", "knowledge", { last: 2 });
  page.settle();
  page.greet({ knowledge: 100 });
  page.receive(event("knowledge", 101));
  expect(page.sent()).toEqual([]);
  page.receive(subscribed("knowledge", 101, 1));
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","last":2}',
  ]);
  page.receive({ kind: "unsubscribed", feed: "knowledge" });
  page.receive(event("knowledge", 100), event("knowledge", 101), subscribed("knowledge", 101, 2));
  expect(page.seen("a")).toEqual([100, 101]);
});

test("how far readers are is not taken from one that is given the newest events", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge", { last: 2 });
  page.settle();
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, event("knowledge", 101), event("knowledge", 102));
  expect([page.seen("a"), page.seen("b")]).toEqual([[], [101, 102]]);
  expect(standings(page.state)).toEqual({ knowledge: 100 });
  page.receive(subscribed("knowledge", 102, 2), { kind: "unsubscribed", feed: "knowledge" });
  page.receive(event("knowledge", 101), event("knowledge", 102), subscribed("knowledge", 102, 2));
  expect([page.seen("a"), page.seen("b")]).toEqual([
    [101, 102],
    [101, 102],
  ]);
  expect(standings(page.state)).toEqual({ knowledge: 102 });
});

test("how far readers are is known beside one that has not begun, while their keys give way to the whole topic", () => {
  const page = livePage("monitoring/a", 100);
  page.follow("b", "monitoring/b");
  page.follow("all", "monitoring", { last: 0 });
  page.settle();
  expect(standings(page.state)).toEqual({ monitoring: 100 });
});

test("who is cut off amid the newest events goes on behind what it was given of them", () => {
  const page = new Page();
  page.follow("a", "knowledge", { last: 3 });
  page.settle();
  page.greet({ knowledge: 100 });
  page.receive(subscribed("knowledge", 100, 0), { kind: "unsubscribed", feed: "knowledge" }, event("knowledge", 98));
  page.lose();
  page.pass(20_000);
  expect(page.opened.cursor).toEqual({ knowledge: 98 });
  page.greet({ knowledge: 98 });
  page.receive(event("knowledge", 99), event("knowledge", 100), subscribed("knowledge", 100, 2));
  expect(page.seen("a")).toEqual([98, 99, 100]);
});

test("those who wait while another one is given the newest events are told of a reset, and what follows it", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge", { last: 2 });
  page.follow("c", "knowledge", { last: 1 });
  page.settle();
  const reset = { kind: "gap", feed: "knowledge", from: null, to: 50, reason: "reset" } as const;
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, reset, event("knowledge", 51), event("knowledge", 52));
  expect([page.gaps("a"), page.gaps("b"), page.gaps("c")]).toEqual([[reset], [reset], []]);
  page.sent();
  page.receive(subscribed("knowledge", 52, 2));
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","lastSeq":50}',
  ]);
  page.receive({ kind: "unsubscribed", feed: "knowledge" });
  page.receive(event("knowledge", 51), event("knowledge", 52), subscribed("knowledge", 52, 2));
  expect(page.seen("a")).toEqual([51, 52]);
  expect(page.seen("b")).toEqual([51, 52]);
});

test("a first reader that begins after a position needs no second request", () => {
  const page = new Page();
  page.follow("a", "knowledge", { after: 98 });
  page.settle();
  expect(page.opened.cursor).toEqual({ knowledge: 98 });
  page.greet({ knowledge: 98 });
  page.receive(event("knowledge", 99), subscribed("knowledge", 99, 1));
  expect(page.sent()).toEqual([]);
  expect(page.seen("a")).toEqual([99]);
});

test("keys give way to their whole topic, and nobody misses or repeats an event", () => {
  const page = livePage("monitoring/a", 100);
  page.receive(event("monitoring", 103, "a"));
  page.follow("all", "monitoring");
  page.settle();
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"monitoring","key":"a"}',
    '{"action":"subscribe","topic":"monitoring","lastSeq":103}',
  ]);
  page.receive(event("monitoring", 105, "a"), { kind: "unsubscribed", feed: "monitoring/a" });
  page.receive(event("monitoring", 104, "b"), event("monitoring", 105, "a"), subscribed("monitoring", 105, 2));
  page.receive(event("monitoring", 106, "b"));
  expect(page.seen("a")).toEqual([103, 105]);
  expect(page.seen("all")).toEqual([104, 105, 106]);
});

test("a key goes on where its whole topic was", () => {
  const page = livePage("monitoring", 100);
  page.follow("key", "monitoring/a");
  page.settle();
  expect(page.sent()).toEqual([]);
  page.receive(event("monitoring", 101, "a"));
  page.unfollow("a");
  page.settle();
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"monitoring"}',
    '{"action":"subscribe","topic":"monitoring","key":"a","lastSeq":101}',
  ]);
  page.receive(event("monitoring", 102, "a"), { kind: "unsubscribed", feed: "monitoring" });
  page.receive(event("monitoring", 102, "a"), subscribed("monitoring/a", 102, 1));
  expect(page.seen("key")).toEqual([101, 102]);
});

test("keys are asked for themselves where the whole topic is forbidden", () => {
  const page = livePage("monitoring/a", 100);
  page.follow("all", "monitoring");
  page.settle();
  page.sent();
  page.receive({ kind: "unsubscribed", feed: "monitoring/a" });
  page.receive({ kind: "error", code: "forbidden", message: "no", topic: "monitoring" });
  expect(page.sent()).toEqual(['{"action":"subscribe","topic":"monitoring","key":"a","lastSeq":100}']);
  page.receive(subscribed("monitoring/a", 100), event("monitoring", 102, "a"));
  expect(page.seen("a")).toEqual([102]);
  expect(page.newsOf("all").map((news) => news.kind)).toEqual(["error"]);
});

test("feeds that do not fit into the address follow as frames", () => {
  const page = new Page();
  const feeds = Array.from({ length: 100 }, (_, index) => `monitoring/${"k".repeat(60)}${index}`);
  for (const feed of feeds) page.follow(feed, feed);
  page.settle();
  const { feeds: asked } = page.opened;
  expect(asked.join().length).toBeLessThan(3_600);
  page.greet(Object.fromEntries(asked.map((feed) => [feed, 7])));
  page.receive(...asked.map((feed) => subscribed(feed, 7)));
  const frames = page.sent();
  page.receive(...feeds.map((feed) => subscribed(feed, 7)));
  expect(asked.length + frames.length + page.sent().length).toBe(100);
});

test("of many feeds a few dozen are asked for at a time, and the next when one is there, or was refused", () => {
  const page = livePage("knowledge", 100);
  const feeds = Array.from({ length: 100 }, (_, index) => `monitoring/${index}`);
  for (const feed of feeds) page.tell({ kind: "follow", id: feed, feed, at: 5 });
  page.settle();
  expect(page.sent()).toHaveLength(32);
  expect(Object.keys(standings(page.state))).toHaveLength(101);
  page.settle();
  expect(page.sent()).toEqual([]);
  page.receive(subscribed("monitoring/0", 7), subscribed("monitoring/1", 7));
  page.receive({ kind: "error", code: "forbidden", message: "no", topic: "monitoring/2" });
  expect(page.sent()).toEqual(
    [32, 33, 34].map((key) => `{"action":"subscribe","topic":"monitoring","key":"${key}","lastSeq":5}`),
  );
  page.unfollow("monitoring/3");
  page.settle();
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"monitoring","key":"3"}',
    '{"action":"subscribe","topic":"monitoring","key":"35","lastSeq":5}',
  ]);
  for (const feed of feeds) page.receive(subscribed(feed, 7));
  expect([...page.state.lines.values()].filter(({ phase }) => phase === "live")).toHaveLength(99);
});

test("whoever comes to a state topic later is given the state", () => {
  const page = new Page();
  page.follow("a", "metrics");
  page.settle();
  page.greet({}, ["metrics"]);
  page.receive({ kind: "snapshot", feed: "metrics" }, event("metrics", 5, "x"), subscribed("metrics", 7, 1));
  page.follow("b", "metrics");
  page.settle();
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"metrics"}',
    '{"action":"subscribe","topic":"metrics","lastSeq":0}',
  ]);
  page.receive({ kind: "unsubscribed", feed: "metrics" });
  page.receive(event("metrics", 5, "x"), subscribed("metrics", 7, 1));
  expect(page.seen("a")).toEqual([5]);
  expect(page.seen("b")).toEqual([5]);
});

test("a state topic's sequences may have holes", () => {
  const page = new Page();
  page.follow("a", "metrics");
  page.settle();
  page.greet({}, ["metrics"]);
  page.receive({ kind: "snapshot", feed: "metrics" }, event("metrics", 5, "x"), event("metrics", 9, "y"));
  page.receive(subscribed("metrics", 12, 2), event("metrics", 15, "x"));
  expect(page.seen("a")).toEqual([5, 9, 15]);
  expect(page.sent()).toEqual([]);
});

test("who knows nothing of a state is given all of it, though others knew of no state when they followed it first", () => {
  const page = new Page();
  page.follow("new", "metrics");
  page.settle();
  // A tab that was served by another leader is introduced, and the new one introduces itself anew, before there is a connection.
  page.tell({ kind: "follow", id: "old", feed: "metrics", at: 1_003, isState: true });
  page.unfollow("new");
  page.follow("new", "metrics");
  page.settle();
  page.lose();
  page.pass(20_000);
  expect(page.opened.cursor).toEqual({ metrics: 0 });
});

test("who stands behind where its topic began live is told that it is live only when it has caught up", () => {
  const page = new Page();
  page.follow("key", "knowledge/a");
  page.settle();
  page.tell({ kind: "follow", id: "old", feed: "knowledge", at: 1_000 });
  page.settle();
  page.greet({ "knowledge/a": 1_002 });
  page.receive(subscribed("knowledge", 1_002));
  // It would take itself to be at 1002, and a leader that dies now would have lost it two events.
  expect(page.newsOf("old")).toEqual([]);
  page.receive('{"type":"subscription","data":{"action":"unsubscribed","topic":"knowledge"}}');
  page.receive(event("knowledge", 1_001), event("knowledge", 1_002), subscribed("knowledge", 1_002));
  expect(page.newsOf("old").map(({ kind }) => kind)).toEqual(["event", "event", "subscribed"]);
});
