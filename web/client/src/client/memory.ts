/** How far a page is, kept in the session of its tab, so that the page after it goes on there. */

import type { Feed, Positions } from "../protocol/frames.js";
import type { Stop } from "./api.js";
import { attempt, listen, type Use } from "./world.js";

export interface Memory {
  /** Where the page before this one was, of feeds that nobody has followed since. */
  of(feed: Feed): number | undefined;
  /** The first readers of the page are there: who comes later begins where it wants. */
  forget(): void;
  readonly end: Stop;
}

/** Under which names the clients of this page remember how far they are: two of one address are two. */
const names = new Set<string>();

/** A memory of this name. A browser that allows none lets everything begin live. */
export function remember(use: Use, name: string, standing: () => Positions): Memory {
  let kept: Positions = {};
  let key = name;
  while (names.has(key)) key += "+";
  names.add(key);
  const ends: (() => unknown)[] = [() => names.delete(key)];
  attempt(() => {
    const storage = use("sessionStorage");
    kept = JSON.parse(storage?.getItem(key) ?? "{}") as Positions;
    const keep = () => storage?.setItem(key, JSON.stringify({ ...kept, ...standing() }));
    for (const event of ["pagehide", "visibilitychange"]) ends.push(listen(use, event, keep));
  });
  return {
    of: (feed) => kept[feed],
    forget() {
      kept = {};
    },
    end() {
      for (const end of ends) end();
    },
  };
}
