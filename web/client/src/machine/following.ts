/** Who in the page follows what, from where; and what the server is asked for it. */

import { topicOf } from "../protocol/grammar.js";
import type { Line } from "../stream/line.js";
import { covers, NOWHERE, type Start } from "../stream/reader.js";
import { open, retire } from "./life.js";
import { leave, place, readersOn, reconcile, send, setLine, setReaders, startOf, welcome } from "./lines.js";
import type { Input, Turn } from "./state.js";

/** A server that looks up each permission keeps 256 frames in line: a feed is asked for when another one is there. */
const ASKED_AT_ONCE = 32;

/** Somebody follows a feed: from where it was served, after a position, with its newest events, or live: from now on. */
export function follow(turn: Turn, { id, feed, at, after, last, isState }: Extract<Input, { kind: "follow" }>): void {
  if (isState) {
    turn.stateTopics = [...turn.stateTopics, topicOf(feed)];
    // Somebody whom nobody had told of it may follow it already.
    for (const line of turn.lines.values())
      if (topicOf(line.feed) === topicOf(feed)) setLine(turn, line, { isState: true });
  }
  const near = [...turn.lines.values()].filter((line) => covers(line.feed, feed) || covers(feed, line.feed));
  const readers = near.flatMap((line) => readersOn(turn, line));
  const now = Math.max(...[...near, ...readers].map((each) => each.at ?? NOWHERE), NOWHERE);
  const isSomewhere = now !== NOWHERE;
  // A position ahead of us may be one that nobody gave out: rather see again what is known.
  if (after !== undefined) at ??= isSomewhere ? Math.min(after, now) : after;
  else if (at === undefined && last === undefined && isSomewhere) {
    // Of a state topic it wants all that holds now, of a log nothing; which it is nobody knows before the first greeting.
    if (near.some((line) => line.isState)) at = 0;
    else if (turn.patience === 0) last = 0;
    else at = now;
  }
  setReaders(turn, [{ id, feed, at, last: at === undefined ? last : undefined, isTold: false }], {});
}

/** Ask the server for what is not as the readers want it. */
export function settle(turn: Turn): void {
  const { connection, lines } = turn;
  const { status } = connection;
  const ended = reconcile(turn);
  if (status === "idle" && lines.size > 0) open(turn);
  else if (status !== "idle" && status !== "closed" && lines.size === 0) retire(turn, { status: "idle" });
  else if (status === "open") {
    for (const feed of ended) leave(turn, feed);
    for (const line of lines.values()) if (line.phase !== "unasked") ask(turn, line);
    askNext(turn);
  }
}

/** Ask for what was not asked for, as much of it as may be under way. */
export function askNext(turn: Turn): void {
  const lines = [...turn.lines.values()];
  const free = ASKED_AT_ONCE - lines.filter(({ phase }) => phase === "catching up").length;
  const unasked = lines.filter(({ phase }) => phase === "unasked");
  for (const line of unasked.slice(0, Math.max(0, free))) ask(turn, line);
}

/** Ask for a line that was not asked for, or for what one of its readers lacks. One thing at a time. */
export function ask(turn: Turn, line: Line): void {
  const { feed, phase, at } = line;
  const after = startOf(turn, line);
  if (phase === "unasked") request(turn, line, after);
  else if (phase !== "refused" && at !== undefined && !line.asker) {
    const readers = readersOn(turn, line);
    // Asked for alone: for the newest events, or behind a position that the stream has not reached. The server behind another
    // connection may have been ahead; or numbers went back, and only a server knows that. What came between leaving and
    // coming the others ask for afterwards.
    const asker = readers.find((reader) => reader.last !== undefined || (reader.at ?? at) > at);
    if (after !== undefined && after < at) restart(turn, line, after);
    else if (phase !== "live") return;
    else if (asker) request(turn, line, undefined, { asker: asker.id }, { after: asker.at, last: asker.last });
    else
      welcome(
        turn,
        readers.filter(({ isTold }) => !isTold),
        { kind: "subscribed", feed, sequence: at, replayed: 0 },
      );
  }
}

/** Begin a line anew at another position, or at its own to have a hole filled. */
export const restart = (turn: Turn, line: Line, after: number): void =>
  request(turn, line, after, { healedAt: after === line.at ? after : undefined });

/**
 * Ask for a line. One that was asked for is left first, since that is confirmed: what comes before the confirmation is of before.
 */
function request(
  turn: Turn,
  line: Line,
  at: number | undefined,
  changed: Partial<Line> = {},
  start: Start = { after: at },
): void {
  place(turn, line, at, { ...changed, phase: "catching up" });
  if (line.phase !== "unasked") leave(turn, line.feed);
  send(turn, { kind: "subscribe", feed: line.feed, ...start });
}
