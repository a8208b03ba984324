/** The conversations in protocol/vectors, which the Python tests read, too. */

import { expect, test } from "vitest";
import { decodeClient, decodeServer } from "../../src/protocol/codec.js";
import type { Feed, Positions } from "../../src/protocol/frames.js";
import { load } from "../protocol/vectors.js";
import { Page } from "./page.js";

interface Session {
  name: string;
  before: Positions;
  steps: ({ server: string } | { client: string })[];
  events: Record<Feed, number[]>;
  missed: { feed: Feed; from: number | null; to: number; reason: string }[];
  cursor: Positions;
}

test.each(load<{ sessions: Session[] }>("sessions").sessions)("$name", (session) => {
  const page = new Page();
  const first = session.steps[0];
  if (!first || !("server" in first)) return expect.unreachable();
  const greeting = decodeServer(first.server);
  if (greeting.kind !== "connected") return expect.unreachable();
  // Somebody reads each feed of the session, and something that the server does not have keeps it connected.
  const feeds = new Set(greeting.topics);
  for (const feed of feeds) page.follow(feed, feed, feed in session.before ? { after: session.before[feed] } : {});
  page.follow("other", "other");
  page.settle();
  for (const step of session.steps) {
    if ("server" in step) {
      page.receive(step.server);
      continue;
    }
    const asked = decodeClient(step.client);
    if (asked.kind === "subscribe") {
      feeds.add(asked.feed);
      page.follow(asked.feed, asked.feed);
      page.settle();
      page.sent();
    } else if (asked.kind === "unsubscribe") {
      page.unfollow(asked.feed);
      page.settle();
      expect(page.sent()).toEqual([step.client]);
    } else expect(page.sent()).toContain(step.client);
  }
  const seen = [...feeds]
    .map((feed) => [feed, page.seen(feed)] as const)
    .filter(([, sequences]) => sequences.length > 0);
  expect(Object.fromEntries(seen)).toEqual(session.events);
  const missed = [...feeds].flatMap((feed) => page.gaps(feed)).map(({ kind: _kind, ...gap }) => gap);
  expect(missed).toEqual(session.missed);
  expect(page.cursor).toEqual(session.cursor);
});
