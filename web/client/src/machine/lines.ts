/** Which lines serve the readers: a whole topic serves its keys, and a line that replaces others goes on where they are. */

import type { ClientFrame, Feed } from "../protocol/frames.js";
import { partsOf } from "../protocol/grammar.js";
import type { Line } from "../stream/line.js";
import { covers, NOWHERE, type Reader } from "../stream/reader.js";
import type { Turn } from "./state.js";

export const setLine = (turn: Turn, line: Line, changed: Partial<Line>): void => {
  turn.lines.set(line.feed, { ...line, ...changed });
};

export const setReader = (turn: Turn, reader: Reader, changed: Partial<Reader>): void => {
  turn.readers.set(reader.id, { ...reader, ...changed });
};

export const send = (turn: Turn, frame: ClientFrame): void => {
  turn.effects.push({ kind: "send", frame });
};

/** The readers whom this line serves. */
export const readersOn = (turn: Turn, { feed }: Line): Reader[] =>
  [...turn.readers.values()].filter((reader) => covers(feed, reader.feed));

/** Remember that these readers were given everything up to where their line stands. */
export const serve = (turn: Turn, readers: readonly Reader[], at = NOWHERE): void => {
  for (const reader of readers) if (reader.floor < at) setReader(turn, reader, { floor: at });
};

/** Ask the server for a line, from where it stands. */
export function ask(turn: Turn, line: Line): void {
  setLine(turn, line, { phase: "catching up" });
  send(turn, { kind: "subscribe", feed: line.feed, after: line.at });
}

/** Leave a feed. What comes of it until the server confirms that is of before. */
export function leave(turn: Turn, feed: Feed): void {
  turn.leaving = [...turn.leaving, feed];
  send(turn, { kind: "unsubscribe", feed });
}

/** Make the lines what the readers want: answers which ended and which began. */
export function reconcile(turn: Turn): { ended: Line[]; begun: Line[] } {
  const wanted = wantedFeeds(turn);
  const ended = [...turn.lines.values()].filter((line) => !wanted.has(line.feed));
  const begun = [...wanted].filter((feed) => !turn.lines.has(feed)).map((feed) => begin(turn, feed));
  for (const { feed } of ended) turn.lines.delete(feed);
  for (const line of begun) turn.lines.set(line.feed, line);
  return { ended, begun };
}

/** The feeds that serve all readers. A whole topic serves its keys, unless the server refused it. */
function wantedFeeds({ lines, readers }: Turn): Set<Feed> {
  const feeds = new Set([...readers.values()].map((reader) => reader.feed));
  for (const feed of feeds) {
    const { topic } = partsOf(feed);
    if (topic !== feed && feeds.has(topic) && lines.get(topic)?.phase !== "refused") feeds.delete(feed);
  }
  return feeds;
}

/** It goes on from the lines that it replaces, else from where its readers begin. */
function begin(turn: Turn, feed: Feed): Line {
  const isState = turn.stateTopics.includes(partsOf(feed).topic);
  const line: Line = { feed, phase: "unasked", at: undefined, isState, healedAt: undefined };
  const replaced = [...turn.lines.values()].filter((each) => covers(feed, each.feed) || covers(each.feed, feed));
  for (const each of replaced) serve(turn, readersOn(turn, each), each.at);
  if (replaced.length === 0) return { ...line, at: beginning(turn, line) };
  // From some keys of a state topic the whole state does not follow.
  const isMore = isState && replaced.some((each) => each.feed.length > feed.length);
  return { ...line, at: isMore ? undefined : least(replaced.map((each) => each.at)) };
}

/** The earliest position after which its readers begin, if each of them names one. */
function beginning(turn: Turn, line: Line): number | undefined {
  const readers = readersOn(turn, line);
  const positions = readers.map((reader) => reader.wish?.after);
  if (positions.includes(undefined)) return undefined;
  for (const reader of readers) setReader(turn, reader, { floor: reader.wish?.after ?? NOWHERE, wish: undefined });
  return least(positions);
}

function least(positions: readonly (number | undefined)[]): number | undefined {
  const known = positions.filter((each) => each !== undefined);
  return known.length > 0 ? Math.min(...known) : undefined;
}
