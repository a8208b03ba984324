/** Where the readers of a page stand, for whoever goes on in its place. */

import { expect, test } from "vitest";
import { introductions, place, type Readers, tellReaders } from "../../src/client/readers.js";
import { Page } from "../machine/page.js";

const readers = (...starts: { after?: number; at?: number; isTold?: boolean }[]): Readers =>
  new Map(
    starts.map(({ after, ...told }, number) => [
      `a:${number}`,
      { feed: "knowledge", start: { after }, take: () => undefined, ...told },
    ]),
  );

test("a page that is hidden before its first news stands where it wanted to begin", () => {
  expect(place(readers({ after: 142 }), { knowledge: 142 })).toEqual({ knowledge: 142 });
  expect(place(readers({ after: 142 }), {})).toEqual({ knowledge: 142 });
  expect(place(readers({ after: 142 }, { at: 150, isTold: true }), { knowledge: 160 })).toEqual({ knowledge: 142 });
});

test("what has no position in common has none for another page", () => {
  expect(place(readers({ at: 150, isTold: true }), {})).toEqual({});
  // In the middle of a snapshot.
  expect(place(readers({ after: 142, isTold: true }), {})).toEqual({});
});

test("a reader that began after a position and was told to forget all is asked for from nothing", () => {
  const readers: Readers = new Map([["t:0", { feed: "metrics", start: { after: 50 }, take: () => {} }]]);
  // A leader's process could not prove what was deleted since 50, so it began anew; then the leader died.
  tellReaders(readers, ["t:0"], { kind: "snapshot", feed: "metrics" });
  // The new leader is told where its readers are, and connects.
  const page = new Page();
  for (const input of introductions(readers)) page.tell(input);
  page.settle();
  expect(page.opened.cursor).toEqual({});
});
