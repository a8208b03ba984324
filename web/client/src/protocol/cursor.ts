/** The texts of the query: `topics`, `lastSeq` and `last`. A client writes them; the fake server of `./testing` reads them. */

import { UsageError } from "./errors.js";
import type { Feed, Positions, Refusal } from "./frames.js";
import { isKey, isSequence, isTopic, partsOf, topicOf } from "./grammar.js";

/** The text of `lastSeq` for these positions, or of `last` for these numbers of events. */
export const formatCursor = (positions: Positions): string =>
  Object.entries(positions)
    .map(([feed, sequence]) => `${feed}:${sequence}`)
    .join();

/** The feeds asked for, in order and once each, and a refusal for each item that is none. */
export function parseTopics(text: string): { feeds: Feed[]; refused: Refusal[] } {
  const { taken, refused } = sorted(text, checkFeed);
  return { feeds: [...new Set(taken)], refused };
}

/** The positions given, the last one where a feed is named twice, and a refusal for each bad item. */
export function parseCursor(text: string): { positions: Positions; refused: Refusal[] } {
  const { taken, refused } = sorted(text, parsePosition);
  return { positions: Object.fromEntries(taken), refused };
}

/** The position that serves a feed: its own, else that of its topic. */
export const positionOf = (positions: Positions, feed: Feed): number | undefined =>
  positions[feed] ?? positions[topicOf(feed)];

/** The feed, if it is one. Throws: UsageError. */
export function checkFeed(text: string): Feed {
  const { topic, key } = partsOf(text);
  if (!isTopic(topic)) throw new UsageError("invalid_topic", `invalid topic '${topic}'`);
  if (key !== undefined && !isKey(key)) throw new UsageError("invalid_key", `invalid key '${key}'`);
  return text;
}

function parsePosition(item: string): [Feed, number] {
  // The last colon: keys may hold colons, sequences never do.
  const colon = item.lastIndexOf(":");
  const digits = item.slice(colon + 1);
  if (colon < 0) throw new UsageError("invalid_cursor", `invalid cursor '${item}'`);
  const feed = checkFeed(item.slice(0, colon));
  if (!/^\d{1,16}$/.test(digits) || !isSequence(Number(digits)))
    throw new UsageError("invalid_cursor", `invalid cursor '${item}'`);
  return [feed, Number(digits)];
}

function sorted<T>(text: string, parse: (item: string) => T): { taken: T[]; refused: Refusal[] } {
  const taken: T[] = [];
  const refused: Refusal[] = [];
  for (const item of text.split(",").map((each) => each.trim())) {
    if (!item) continue;
    try {
      taken.push(parse(item));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      refused.push({ kind: "error", code: error.code, message: error.message, topic: item });
    }
  }
  return { taken, refused };
}
