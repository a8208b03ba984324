/** Who in the page follows what, from where; and what the server is told about it. */

import { partsOf } from "../protocol/grammar.js";
import type { Line } from "../stream/line.js";
import { NOWHERE } from "../stream/reader.js";
import { open, reopen, retire } from "./life.js";
import { ask, leave, readersOn, reconcile, send, serve, setLine, setReader } from "./lines.js";
import type { Input, Turn } from "./state.js";

/** Somebody follows a feed: after a position, from its newest events on, or live, which is from now on. */
export function follow(turn: Turn, { id, feed, after, last }: Extract<Input, { kind: "follow" }>): void {
  const line = turn.lines.get(feed) ?? turn.lines.get(partsOf(feed).topic);
  const reader = {
    id,
    feed,
    floor: NOWHERE,
    wish: after === undefined && last === undefined ? undefined : { after, last },
  };
  if (reader.wish || line?.at === undefined) turn.readers.set(id, reader);
  // Of a state topic that others follow already it wants all that holds now.
  else if (line.isState) turn.readers.set(id, { ...reader, wish: { after: 0 } });
  else
    turn.readers.set(id, { ...reader, floor: Math.max(line.at, ...readersOn(turn, line).map((each) => each.floor)) });
}

/** All that changed in this turn of the page was said: tell the server. */
export function settle(turn: Turn): void {
  const { ended, begun } = reconcile(turn);
  const { connection, carrier, lines } = turn;
  const { status } = connection;
  if (status === "idle" ? lines.size > 0 : false) return open(turn);
  if (status === "idle" || status === "closed") return;
  if (lines.size === 0) return retire(turn, { status: "idle" });
  if (status === "waiting" || (status === "connecting" && carrier === "socket")) return;
  if (carrier === "events" && ended.length + begun.length > 0) return reopen(turn);
  for (const line of ended) if (line.phase !== "refused") leave(turn, line.feed);
  for (const line of begun) ask(turn, line);
  for (const line of lines.values()) grant(turn, line);
}

/**
 * Go back for readers that want to begin earlier; the others are not given anything again.
 * One that wants to begin later begins now, and sees again what it knows: a position that nobody gave out stays harmless.
 */
export function grant(turn: Turn, line: Line): void {
  const { phase, at } = line;
  if (phase !== "live" || at === undefined) return;
  const wishing = readersOn(turn, line).filter((reader) => reader.wish);
  const asker = wishing.find((reader) => reader.wish?.last !== undefined);
  const { last = 0 } = asker?.wish ?? {};
  if (asker && turn.carrier === "socket") {
    // Nobody else is given what comes now. What came between leaving and coming they are given afterwards.
    for (const reader of readersOn(turn, line)) if (!reader.wish) setReader(turn, reader, { wish: { after: at } });
    setReader(turn, asker, { wish: undefined });
    return restart(turn, line, undefined, last);
  }
  // As server-sent events the newest can be asked for only by their numbers.
  const start = Math.min(...wishing.map(({ wish }) => wish?.after ?? Math.max(0, at - last)));
  serve(turn, readersOn(turn, line), at);
  for (const reader of wishing)
    setReader(turn, reader, { floor: Math.min(reader.wish?.after ?? NOWHERE, at), wish: undefined });
  if (start < at) restart(turn, line, start);
}

/**
 * Begin a line anew at another position, or at its own to have a hole filled.
 * It is left first, since that is confirmed: what comes before the confirmation is of before.
 */
export function restart(turn: Turn, line: Line, after: number | undefined, last?: number): void {
  const { feed, at } = line;
  setLine(turn, line, { phase: "catching up", at: after, healedAt: after === at ? at : undefined });
  if (turn.carrier === "events") return reopen(turn);
  leave(turn, feed);
  send(turn, { kind: "subscribe", feed, after, last });
}
