/** The life of the connection: opened, greeted, lost, waited for, watched over. */

import { advice } from "../protocol/closeCodes.js";
import type { Feed } from "../protocol/frames.js";
import { type Line, positionsOf } from "../stream/line.js";
import type { Reader } from "../stream/reader.js";
import { delay } from "./backoff.js";
import { place, readersOn, reconcile, send, setLine, setReaders, startOf, wait } from "./lines.js";
import { type Connection, NEVER, type Turn } from "./state.js";

/** The server greets within 15 s, or says why not. */
const GREETING_MS = 20_000;

/** A connection that held so long was a good one: the attempts count anew. */
const HELD_MS = 10_000;

/** After sleep, or on another network, an answer comes within this time or never. */
const PROBE_MS = 5_000;

/** A timer that comes later than this was asleep, and so perhaps was the connection. */
const OVERSLEPT_MS = 5_000;

/** So many WebSockets that do not open where ordinary requests go through mean a network that breaks them. */
const FAILED_OPENS = 3;

/** Servers drop request lines over 4 KiB without an answer; this leaves room for the address. */
const QUERY_CHARACTERS = 3_500;

const TOO_MANY = "too_many_subscriptions";

/** A connection that broke off without a code. */
const BROKEN = 1006;

/** Connect for all that is followed. */
export function open(turn: Turn): void {
  const { connection, carrier, attempt, lines } = turn;
  // A stream of events is asked for once for all: whoever asks for itself alone, or wants the newest, comes first.
  const askers = [...lines.values()].map(({ at, asker }) => at === undefined && asker);
  const isFirst = ({ id, last }: Reader) => askers.includes(id) || last !== undefined;
  const isFresh = connection.status === "waiting" && advice(connection.code) === "fresh credentials";
  renew(turn);
  reconcile(turn);
  renew(turn);
  const asked = withRoom(turn);
  const newest: Record<Feed, number> = {};
  const begun = asked.map((line) => {
    const asker = carrier === "events" ? readersOn(turn, line).find(isFirst) : undefined;
    if (asker?.last !== undefined) newest[line.feed] = asker.last;
    const at = asker?.last === undefined ? (asker?.at ?? line.at) : undefined;
    return place(turn, line, at, { phase: "catching up", asker: asker?.id });
  });
  turn.connection = { status: "connecting", attempt };
  turn.due = turn.now + GREETING_MS;
  turn.effects.push({
    kind: "open",
    carrier,
    feeds: asked.map(({ feed }) => feed),
    cursor: positionsOf(begun),
    newest,
    isFresh,
  });
}

/** The lines that an address has room for. What finds none is asked for by frames later, and a stream of events has none. */
function withRoom(turn: Turn): Line[] {
  let room = QUERY_CHARACTERS;
  return [...turn.lines.values()].filter((line) => {
    room -= `${line.feed},${line.feed}:${line.at},`.length;
    if (room <= 0 && turn.carrier === "events") leaveOut(turn, line);
    return room > 0;
  });
}

/** Where it is it stays: another connection may have room for it. */
function leaveOut(turn: Turn, line: Line): void {
  const { feed } = line;
  const message = `'${feed}' is too much for server-sent events: follow the whole topic`;
  const readers = readersOn(turn, line).map(({ id }) => id);
  turn.effects.push({ kind: "tell", readers, news: [{ kind: "error", code: TOO_MANY, message, topic: feed }] });
  setLine(turn, line, { phase: "refused" });
}

/** The connection ended, or did not come about. */
export function lost(turn: Turn, code: number, reason: string): void {
  const { connection, carrier } = turn;
  const { status } = connection;
  if (status === "open" && turn.now - connection.since >= HELD_MS) turn.attempt = 0;
  else if (status === "connecting") {
    if (carrier === "events") {
      turn.carrier = "socket";
      turn.failedOpens = 0;
    } else if (code === BROKEN) turn.effects.push({ kind: "probe" });
  }
  const todo = advice(code);
  if (todo === "done" || todo === "stop") return end(turn, { status: "closed", code, reason });
  wait(turn, delay(code, reason, turn.attempt, turn.chance), code, reason);
  turn.attempt += 1;
}

/** An ordinary request went through, so the failure before it counts. While a server is down, a failure says nothing about WebSockets. */
export function reached(turn: Turn): void {
  const { status } = turn.connection;
  if (status !== "open") turn.failedOpens += 1;
  if (status === "waiting" && turn.failedOpens >= FAILED_OPENS) turn.carrier = "events";
}

/** It is `now`: what was due? */
export function ticked(turn: Turn): void {
  const { connection, carrier, due, now } = turn;
  if (now < due) return;
  if (connection.status === "waiting") {
    if (turn.isOnline) open(turn);
    else wait(turn, NEVER, connection.code, "offline");
  } else if (connection.status === "open" && carrier === "socket" && now > due + OVERSLEPT_MS) probe(turn);
  else cut(turn, BROKEN, "the server fell silent");
}

/** End the connection, to have another one where the code says so. */
export function cut(turn: Turn, code: number, reason: string): void {
  turn.effects.push({ kind: "drop" });
  lost(turn, code, reason);
}

/** The page is back, from sleep, the background or offline: is the server still there? */
export function woke(turn: Turn): void {
  const { status } = turn.connection;
  if (status === "waiting" && turn.isOnline) open(turn);
  else if (status === "open" && turn.carrier === "socket") probe(turn);
}

/** Leave, and stay away. */
export function retire(turn: Turn, connection: Connection): void {
  turn.effects.push({ kind: "drop" });
  end(turn, connection);
}

function end(turn: Turn, connection: Connection): void {
  renew(turn);
  turn.connection = connection;
  turn.attempt = 0;
  turn.due = NEVER;
}

/** Measure the round trip. */
export const ping = (turn: Turn): void => send(turn, { kind: "ping", timestampMs: Math.round(turn.now) });

function probe(turn: Turn): void {
  const { due, now } = turn;
  ping(turn);
  // The next question does not put off what the last one waits for.
  turn.due = due > now ? Math.min(due, now + PROBE_MS) : now + PROBE_MS;
}

/** What held of one connection only: what it was asked for, what it refused, what it had yet to confirm. */
function renew(turn: Turn): void {
  for (const line of turn.lines.values()) {
    const asker = turn.readers.get(line.asker ?? "");
    // Whoever was given some of the newest events goes on behind them: asked for anew they would be others.
    if (asker && line.at !== undefined) setReaders(turn, [asker], { last: undefined });
    place(turn, line, startOf(turn, line), { phase: "unasked", asker: undefined });
  }
  turn.leaving = [];
}
