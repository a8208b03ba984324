/** The order of a topic: repeats, holes, and the cursor, which is the last frame processed and never a maximum. */

import { expect, test } from "vitest";
import { event, livePage, subscribed } from "./page.js";

test("a repeat is ignored", () => {
  const page = livePage("knowledge", 100);
  page.receive(event("knowledge", 101), event("knowledge", 101), event("knowledge", 102), event("knowledge", 101));
  expect(page.seen("a")).toEqual([101, 102]);
});

test("what is missing before a gap that does not name it is asked for once more", () => {
  const page = livePage("knowledge", 100);
  page.receive({ kind: "gap", feed: "knowledge", from: 103, to: 103, reason: "unreadable" });
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","lastSeq":100}',
  ]);
});

test("what is missing before a gap once more is a gap, too", () => {
  const page = livePage("knowledge", 100);
  const gap = { kind: "gap", feed: "knowledge", from: 103, to: 103, reason: "unreadable" } as const;
  page.receive(
    gap,
    { kind: "unsubscribed", feed: "knowledge" },
    gap,
    event("knowledge", 104),
    subscribed("knowledge", 104),
  );
  const told = page.gaps("a").map(({ from, to }) => [from, to]);
  expect(told).toEqual([
    [101, 102],
    [103, 103],
  ]);
});

test("a hole is healed by one resume", () => {
  const page = livePage("knowledge", 100);
  page.receive(event("knowledge", 103), event("knowledge", 104));
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","lastSeq":100}',
  ]);
  page.receive({ kind: "unsubscribed", feed: "knowledge" });
  page.receive(...[101, 102, 103, 104].map((sequence) => event("knowledge", sequence)));
  page.receive(subscribed("knowledge", 104, 4));
  expect(page.seen("a")).toEqual([101, 102, 103, 104]);
  expect(page.gaps("a")).toEqual([]);
});

test("a hole that survives a resume is told as a gap", () => {
  const page = livePage("knowledge", 100);
  page.receive(event("knowledge", 103));
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, event("knowledge", 103), subscribed("knowledge", 103, 1));
  expect(page.seen("a")).toEqual([103]);
  expect(page.gaps("a")).toEqual([{ kind: "gap", feed: "knowledge", from: 101, to: 102, reason: "missing" }]);
});

test("a hole at the end of a replay is a hole, too", () => {
  const page = livePage("knowledge", 100);
  page.lose();
  page.pass(20_000);
  page.greet({ knowledge: 100 });
  page.receive(event("knowledge", 101), subscribed("knowledge", 103, 3));
  page.receive({ kind: "unsubscribed", feed: "knowledge" }, subscribed("knowledge", 103, 0));
  expect(page.gaps("a")).toEqual([{ kind: "gap", feed: "knowledge", from: 102, to: 103, reason: "missing" }]);
});

test("a key has natural holes", () => {
  const page = livePage("monitoring/a", 100);
  page.receive(event("monitoring", 105, "a"), event("monitoring", 999, "a"));
  expect(page.seen("a")).toEqual([105, 999]);
  expect(page.sent()).toEqual([]);
});

test("after a reset the cursor is lower, and what follows is new", () => {
  const page = livePage("knowledge", 7_000);
  page.receive({ kind: "gap", feed: "knowledge", from: null, to: 5_000, reason: "reset" }, event("knowledge", 5_001));
  expect(page.seen("a")).toEqual([5_001]);
  expect(page.cursor).toEqual({ knowledge: 5_001 });
});

test("a reader that went back is told only of the gap that it does not know", () => {
  const page = livePage("knowledge", 100);
  page.follow("b", "knowledge", { after: 50 });
  page.settle();
  page.receive({ kind: "unsubscribed", feed: "knowledge" });
  page.receive({ kind: "gap", feed: "knowledge", from: 51, to: 103, reason: "expired" }, event("knowledge", 104));
  expect(page.gaps("b")).toMatchObject([{ from: 51, to: 103 }]);
  expect(page.gaps("a")).toMatchObject([{ from: 101, to: 103 }]);
});

test("a hole behind a number that a reset gave out again is asked for once more", () => {
  const page = livePage("knowledge", 100);
  page.receive(event("knowledge", 102), { kind: "unsubscribed", feed: "knowledge" });
  page.receive(event("knowledge", 101), event("knowledge", 102), subscribed("knowledge", 102, 2));
  page.receive({ kind: "gap", feed: "knowledge", from: null, to: 99, reason: "reset" }, event("knowledge", 100));
  page.sent();
  page.receive(event("knowledge", 102));
  expect(page.sent()).toEqual([
    '{"action":"unsubscribe","topic":"knowledge"}',
    '{"action":"subscribe","topic":"knowledge","lastSeq":100}',
  ]);
});
