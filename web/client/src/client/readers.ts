/** Who in this page follows what, and how far each has come. */

import type { Input, News } from "../machine/state.js";
import { positionOf } from "../protocol/cursor.js";
import type { Feed, Positions } from "../protocol/frames.js";
import type { Start } from "../stream/reader.js";
import { attempt } from "./world.js";

interface Reader {
  readonly feed: Feed;
  readonly start: Start;
  readonly take: (news: News) => void;
  at?: number | undefined;
  /** Whoever has the connection now knows of it, since it has told it something. */
  isTold?: boolean;
  /** It was given a snapshot once. */
  isState?: boolean;
}

export type Readers = Map<string, Reader>;

/** What a station that does not know them yet needs to know, to serve them from where each of them is. */
export const introductions = (readers: Readers): Input[] =>
  [...readers].map(([id, reader]) => {
    reader.isTold = false;
    const { feed, start, at, isState } = reader;
    // A snapshot made void where it wanted to begin.
    return { kind: "follow", id, feed, ...(isState ? {} : start), at, isState };
  });

/** Hand on what is for readers of this page. What one of them throws is its own matter. */
export function tellReaders(readers: Readers, ids: readonly string[], news: News): void {
  for (const id of ids) {
    const reader = readers.get(id);
    if (!reader) continue;
    attempt(() => reader.take(news));
    reader.isTold = true;
    // Afterwards: who dies in between sees it again.
    if (news.kind === "snapshot") reader.isState = true;
    if (news.kind === "gap") reader.at = news.to;
    else if (news.kind !== "error") reader.at = news.kind === "snapshot" ? undefined : news.sequence;
  }
}

/**
 * Quiet feeds move on without a word: take over where they are, and answer where the readers of those feeds stand.
 * Whoever was told nothing yet stands where it is: how far others have come says nothing about it.
 */
export function place(readers: Readers, positions: Positions): Positions {
  const found: Record<Feed, number> = {};
  for (const reader of readers.values()) {
    const at = positionOf(positions, reader.feed);
    if (at !== undefined && reader.at !== undefined && reader.isTold) reader.at = Math.max(at, reader.at);
    const stands = standing(reader, at);
    if (stands !== undefined) found[reader.feed] = Math.min(stands, found[reader.feed] ?? stands);
  }
  return found;
}

/** Where another page may go on in its place. Where its feed has no position in common, as a state topic's has none, nowhere. */
function standing({ at, isTold, start }: Reader, common: number | undefined): number | undefined {
  // Told nothing yet, it is where it wanted to begin.
  if (at === undefined) return isTold ? undefined : start.after;
  return common === undefined ? undefined : at;
}
