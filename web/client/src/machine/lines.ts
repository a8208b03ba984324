/** Which lines serve the readers: a whole topic serves its keys, and a line that replaces others goes on where they are. */

import type { Feed } from "../protocol/frames.js";
import { partsOf } from "../protocol/grammar.js";
import type { Line } from "../stream/line.js";
import { covers, granted, NOWHERE } from "../stream/reader.js";
import { change, readersOn, serveReaders, setReaders, type Turn } from "./turn.js";

/** Make the lines what the readers want: answers which ended and which began. */
export function reconcile(turn: Turn): { ended: Line[]; begun: Line[] } {
  const { lines } = turn.state;
  const wanted = wantedFeeds(turn);
  const ended = [...lines.values()].filter((line) => !wanted.has(line.feed));
  const begun = [...wanted].filter((feed) => !lines.has(feed)).map((feed) => begin(turn, feed));
  const kept = new Map(lines);
  for (const { feed } of ended) kept.delete(feed);
  for (const line of begun) kept.set(line.feed, line);
  change(turn, { lines: kept });
  return { ended, begun };
}

/** The feeds that serve all readers. A whole topic serves its keys, unless the server refused it. */
function wantedFeeds({ state: { lines, readers } }: Turn): Set<Feed> {
  const feeds = new Set([...readers.values()].map((reader) => reader.feed));
  for (const feed of feeds) {
    const { topic, key } = partsOf(feed);
    if (key !== undefined && feeds.has(topic) && lines.get(topic)?.phase !== "refused") feeds.delete(feed);
  }
  return feeds;
}

/** It goes on from the lines that it replaces, else from where an earlier page stood, else from where its readers begin. */
function begin(turn: Turn, feed: Feed): Line {
  const replaced = [...turn.state.lines.values()].filter((line) => covers(feed, line.feed) || covers(line.feed, feed));
  for (const line of replaced) serveReaders(turn, line);
  const { [feed]: stored, ...others } = turn.state.stored;
  change(turn, { stored: others });
  const at = least(replaced.map((line) => line.at)) ?? stored ?? beginning(turn, feed);
  const isState = [...replaced, ...readersOn(turn, feed)].some((each) => each.isState);
  return { feed, phase: "unasked", isState, ...(at !== undefined && { at }) };
}

/** The earliest position after which its readers begin, if each of them names one. */
function beginning(turn: Turn, feed: Feed): number | undefined {
  const readers = readersOn(turn, feed);
  const positions = readers.map((reader) => reader.wish?.after);
  if (positions.includes(undefined)) return undefined;
  setReaders(
    turn,
    readers.map((reader) => granted(reader, reader.wish?.after ?? NOWHERE)),
  );
  return least(positions);
}

function least(numbers: readonly (number | undefined)[]): number | undefined {
  const known = numbers.filter((each) => each !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
