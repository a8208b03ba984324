/** One turn of the machine: the state as far as it has come, and what is to be done. Made and used up within `step`. */

import type { ClientFrame, Feed } from "../protocol/frames.js";
import type { Line } from "../stream/line.js";
import { covers, type Reader, served } from "../stream/reader.js";
import type { Effect, Moment, News, State } from "./state.js";

export interface Turn extends Moment {
  state: State;
  readonly effects: Effect[];
}

export const change = (turn: Turn, changed: Partial<State>): void => {
  turn.state = { ...turn.state, ...changed };
};

export const send = (turn: Turn, frame: ClientFrame): void => {
  turn.effects.push({ kind: "send", frame });
};

export const tell = (turn: Turn, readers: readonly Reader[], news: News): void => {
  turn.effects.push({ kind: "tell", readers: readers.map((reader) => reader.id), news });
};

export const setLine = (turn: Turn, line: Line): void => {
  change(turn, { lines: new Map(turn.state.lines).set(line.feed, line) });
};

export function setReaders(turn: Turn, changed: readonly Reader[]): void {
  const readers = new Map(turn.state.readers);
  for (const reader of changed) readers.set(reader.id, reader);
  change(turn, { readers });
}

/** The readers whom this line serves. */
export const readersOn = ({ state }: Turn, feed: Feed): Reader[] =>
  [...state.readers.values()].filter((reader) => covers(feed, reader.feed));

/** Remember that the readers of a line, but for one, were given everything up to where it stands. */
export function serveReaders(turn: Turn, { feed, at }: Line, except?: Reader): void {
  if (at === undefined) return;
  const others = readersOn(turn, feed).filter((reader) => reader.id !== except?.id);
  setReaders(
    turn,
    others.map((reader) => served(reader, at)),
  );
}

/** Ask for a line that the server was not asked for. */
export function ask(turn: Turn, line: Line): void {
  setLine(turn, { ...line, phase: "catching up" });
  send(turn, { kind: "subscribe", feed: line.feed, ...(line.at !== undefined && { after: line.at }) });
}

/** Leave a feed. What comes of it until the server confirms that is of before. */
export function leave(turn: Turn, feed: Feed): void {
  change(turn, { leaving: [...turn.state.leaving, feed] });
  send(turn, { kind: "unsubscribe", feed });
}
