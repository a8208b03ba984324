/** What readers and lines are to each other. */

import type { ClientFrame, Feed, Positions, Subscribed } from "../protocol/frames.js";
import { topicOf } from "../protocol/grammar.js";
import { type Line, positionsOf } from "../stream/line.js";
import { covers, NOWHERE, type Reader } from "../stream/reader.js";
import type { News, State, Turn } from "./state.js";

/** Come back for other feeds, or other positions, after so long: components rarely change what they follow all at once. */
const REOPEN_MS = 50;

export function setLine(turn: Turn, line: Line, changed: Partial<Line>): Line {
  const next = { ...line, ...changed };
  turn.lines.set(line.feed, next);
  return next;
}

export function setReaders(turn: Turn, some: readonly Reader[], changed: Partial<Reader>): void {
  if (some.length === 0) return;
  const readers = new Map(turn.readers);
  for (const reader of some) readers.set(reader.id, { ...reader, ...changed });
  turn.readers = readers;
}

/** The readers whom this line serves. */
export const readersOn = (turn: State, { feed }: Line): Reader[] =>
  [...turn.readers.values()].filter((reader) => covers(feed, reader.feed));

/** Those for whom what comes now is. Who stands behind the line has just come: what it lacks is asked for first. */
export const listening = (turn: Turn, line: Line): Reader[] => {
  const { asker, at: here = NOWHERE } = line;
  return readersOn(turn, line).filter(({ id, last, at = here }) =>
    asker ? asker === id : last === undefined && at >= here,
  );
};

/** Those who stand somewhere: who waits for the newest events stands nowhere yet. */
export const standingOn = (turn: State, line: Line): Reader[] =>
  readersOn(turn, line).filter(({ id, last }) => last === undefined || id === line.asker);

/** The position after which all that its readers have yet to be given follows; undefined: from now on. */
export function startOf(turn: State, line: Line): number | undefined {
  const readers = readersOn(turn, line).filter(({ last }) => last === undefined);
  const start = Math.min(...readers.map(({ at = line.at }) => at ?? NOWHERE));
  return start >= 0 && readers.length > 0 ? start : undefined;
}

/**
 * Up to where the readers of the log topics were served, all who were: a line whose newest events are given to one is ahead
 * of the others, and one that is yet to be asked for stands nowhere. A state topic's place is worth nothing without what the page knows of it.
 */
export const standings = (state: State): Positions =>
  positionsOf(
    [...state.lines.values()]
      .filter((line) => !line.isState)
      .map((line) => {
        const served = standingOn(state, line).flatMap(({ at = line.at }) => at ?? []);
        return line.asker || line.at === undefined
          ? { ...line, at: served.length ? Math.min(...served) : undefined }
          : line;
      }),
  );

/** Put a line somewhere else; its readers stay where they are. */
export function place(turn: Turn, line: Line, at: number | undefined, changed: Partial<Line> = {}): Line {
  const readers = standingOn(turn, line);
  const along = readers.filter((reader) => reader.at === undefined && line.at !== at);
  const there = readers.filter((reader) => reader.at === at);
  setReaders(turn, there, { at: undefined });
  setReaders(turn, along, { at: line.at });
  return setLine(turn, line, { ...changed, at });
}

/** Make the lines what the readers want; answers which of those that were asked for are wanted no longer. */
export function reconcile(turn: Turn): Feed[] {
  const { lines, readers, stateTopics } = turn;
  const wanted = new Set([...readers.values()].map((reader) => reader.feed));
  for (const feed of wanted) {
    const topic = topicOf(feed);
    // A whole topic serves its keys, unless the server refused it.
    if (topic !== feed && wanted.has(topic) && lines.get(topic)?.phase !== "refused") wanted.delete(feed);
  }
  const ended = [...lines.values()].filter(({ feed }) => !wanted.has(feed));
  for (const line of ended) {
    place(turn, line, undefined);
    lines.delete(line.feed);
  }
  for (const feed of wanted) if (!lines.has(feed)) lines.set(feed, lineOf(feed, stateTopics.includes(topicOf(feed))));
  return ended.flatMap(({ feed, phase }) => (phase === "refused" ? [] : [feed]));
}

const lineOf = (feed: Feed, isState: boolean): Line => ({
  feed,
  phase: "unasked",
  at: undefined,
  isState,
  healedAt: undefined,
  asker: undefined,
});

export function tell(turn: Turn, readers: readonly Reader[], news: readonly News[]): void {
  if (readers.length > 0) turn.effects.push({ kind: "tell", readers: readers.map(({ id }) => id), news });
}

/** Tell each of them what it is to it. It is the same to those who follow the same and stand at the same place. */
export function tellEach(turn: Turn, readers: readonly Reader[], news: (reader: Reader) => readonly News[]): void {
  const stand = ({ feed, at }: Reader) => `${feed} ${at}`;
  for (const each of new Set(readers.map(stand))) {
    const same = readers.filter((reader) => stand(reader) === each);
    const [one] = same;
    if (one) tell(turn, same, news(one));
  }
}

/** Tell these readers that they are live from here on, or from where they are already. */
export function welcome(turn: Turn, readers: readonly Reader[], news: Subscribed): void {
  tellEach(turn, readers, ({ at = NOWHERE }) => [{ ...news, sequence: Math.max(at, news.sequence) }]);
  setReaders(turn, readers, { isTold: true });
}

/** Say it to the server. Server-sent events know no other way than to come back. */
export function send(turn: Turn, frame: ClientFrame): void {
  if (turn.carrier === "socket") turn.effects.push({ kind: "send", frame });
  else if ("feed" in frame) {
    turn.effects.push({ kind: "drop" });
    wait(turn, REOPEN_MS, 1000, "other topics");
  }
}

/** Leave a feed. What comes of it until the server confirms that is of before. */
export function leave(turn: Turn, feed: string): void {
  turn.leaving = [...turn.leaving, feed];
  send(turn, { kind: "unsubscribe", feed });
}

export function wait(turn: Turn, milliseconds: number, code: number, reason: string): void {
  turn.due = turn.now + milliseconds;
  turn.connection = { status: "waiting", attempt: turn.attempt, until: turn.due, code, reason };
}
