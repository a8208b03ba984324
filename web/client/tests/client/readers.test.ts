/** Where the readers of a page stand, for whoever goes on in its place. */

import { expect, test } from "vitest";
import { place, type Readers } from "../../src/client/readers.js";

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
