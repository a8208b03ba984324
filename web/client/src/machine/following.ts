/** Who in the page follows what, from where; and what the server is told about it. */

import { partsOf } from "../protocol/grammar.js";
import { forgotten, type Line } from "../stream/line.js";
import { granted, NOWHERE, type Reader } from "../stream/reader.js";
import { open, reopen, retire } from "./life.js";
import { reconcile } from "./lines.js";
import type { Input } from "./state.js";
import { ask, change, leave, readersOn, send, serveReaders, setLine, setReaders, type Turn } from "./turn.js";

/** Somebody follows a feed: after a position, from its newest events on, or live, which is from now on. */
export function follow(turn: Turn, { id, feed, after, last, isState }: Extract<Input, { kind: "follow" }>): void {
  const line = turn.state.lines.get(feed) ?? turn.state.lines.get(partsOf(feed).topic);
  const reader = { id, feed, floor: NOWHERE, isState };
  if (after !== undefined) setReaders(turn, [{ ...reader, wish: { after } }]);
  else if (last !== undefined) setReaders(turn, [{ ...reader, wish: { last } }]);
  else if (line?.at === undefined) setReaders(turn, [reader]);
  // Of a state topic that others follow already it wants all that holds now.
  else if (isState || line.isState) setReaders(turn, [{ ...reader, wish: { after: 0 } }]);
  else
    setReaders(turn, [
      { ...reader, floor: Math.max(line.at, ...readersOn(turn, line.feed).map((each) => each.floor)) },
    ]);
}

/** Somebody follows it no longer. */
export function unfollow(turn: Turn, id: string): void {
  const readers = new Map(turn.state.readers);
  readers.delete(id);
  change(turn, { readers });
}

/** All that changed in this turn of the page was said: tell the server. */
export function settle(turn: Turn): void {
  const { ended, begun } = reconcile(turn);
  const { connection, carrier, lines } = turn.state;
  if (connection.status === "closed") return;
  if (lines.size === 0) return connection.status === "idle" ? undefined : retire(turn, { status: "idle" });
  if (connection.status === "idle") return open(turn);
  if (carrier === "events") return settleEvents(turn, ended.length + begun.length > 0);
  if (connection.status !== "open") return;
  for (const line of ended) if (line.phase !== "refused") leave(turn, line.feed);
  for (const line of begun) ask(turn, line);
  for (const line of lines.values()) grant(turn, line);
}

function settleEvents(turn: Turn, isChanged: boolean): void {
  if (turn.state.connection.status === "waiting") return;
  if (isChanged) return reopen(turn);
  for (const line of turn.state.lines.values()) grant(turn, line);
}

/**
 * Go back for a reader that wants to begin earlier, one at a time: the others are not given anything again.
 * One that wants to begin later begins now, and sees again what it knows: a position that nobody gave out stays harmless.
 */
export function grant(turn: Turn, line: Line): void {
  if (line.phase !== "live" || line.at === undefined) return;
  for (const reader of readersOn(turn, line.feed)) {
    const { after, last } = reader.wish ?? {};
    if (last !== undefined) return newest(turn, line, line.at, reader, last);
    if (after === undefined) continue;
    setReaders(turn, [granted(reader, after < line.at ? after : NOWHERE)]);
    if (after < line.at) return restart(turn, line, after, reader);
  }
}

/**
 * Begin a line anew at another position, or at its own to have a hole filled.
 * It is left first, since that is confirmed: what comes before the confirmation is of before.
 */
export function restart(turn: Turn, line: Line, at: number, asker?: Reader): void {
  serveReaders(turn, line, asker);
  setLine(turn, { ...forgotten(line), phase: "catching up", at, ...(!asker && { healedAt: at }) });
  if (turn.state.carrier === "events") return reopen(turn);
  leave(turn, line.feed);
  send(turn, { kind: "subscribe", feed: line.feed, after: at });
}

/**
 * Ask for the newest events of a line. It is not left: what was published between leaving and coming would be lost to
 * the others. As it is live, all that comes again was given before, and so the first repeat is the beginning.
 */
function newest(turn: Turn, line: Line, at: number, reader: Reader, last: number): void {
  // As server-sent events they can be asked for only by their numbers.
  if (turn.state.carrier === "events") {
    setReaders(turn, [granted(reader, NOWHERE)]);
    return restart(turn, line, Math.max(0, at - last), reader);
  }
  setLine(turn, { ...line, phase: "catching up", asker: reader.id });
  send(turn, { kind: "subscribe", feed: line.feed, last });
}

/** The newest events that a reader asked for begin to come, and nobody else is given them again. */
export function turned(turn: Turn, line: Line): Line {
  const { asker, ...rest } = line;
  const reader = turn.state.readers.get(asker ?? "");
  serveReaders(turn, line, reader);
  if (reader) setReaders(turn, [granted(reader, NOWHERE)]);
  return rest;
}
