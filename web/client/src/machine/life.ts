/** The life of the connection: opened, greeted, lost, waited for, watched over. */

import { advice } from "../protocol/closeCodes.js";
import type { Connected, Feed, Positions } from "../protocol/frames.js";
import type { Line } from "../stream/line.js";
import { delay } from "./backoff.js";
import { reconcile } from "./lines.js";
import type { Connection } from "./state.js";
import { ask, change, leave, send, type Turn } from "./turn.js";

const NEVER = Number.POSITIVE_INFINITY;

/** The server greets within 15 s, or says why not. */
const GREETING_MS = 20_000;

/** A connection that held so long was a good one: the attempts count anew. */
const HELD_MS = 10_000;

/** After sleep, or on another network, an answer comes within this time or never. */
const PROBE_MS = 5_000;

/** A timer that comes later than this was asleep, and so perhaps was the connection. */
const OVERSLEPT_MS = 5_000;

/** Components that change what they follow rarely do so all at once. */
const REOPEN_MS = 50;

/** So many WebSockets in a row that do not open may mean a network that breaks them. */
const FAILED_OPENS = 3;

/** Servers drop request lines over 4 KiB without an answer; this leaves room for the address. */
const QUERY_CHARACTERS = 3_500;

/** A connection that broke off without a code. */
const BROKEN = 1006;

/** Connect for all that is followed. */
export function open(turn: Turn): void {
  const { connection, carrier, attempt } = turn.state;
  const isFresh = connection.status === "waiting" && advice(connection.code) === "fresh credentials";
  renew(turn);
  reconcile(turn);
  const lines = [...turn.state.lines.values()];
  const asked = carrier === "events" ? lines : fitting(lines);
  change(turn, {
    connection: { status: "connecting", attempt },
    lines: new Map(
      lines.map((line) => [line.feed, { ...line, phase: asked.includes(line) ? "catching up" : "unasked" }]),
    ),
    due: turn.now + GREETING_MS,
  });
  turn.effects.push({
    kind: "open",
    carrier,
    feeds: asked.map((line) => line.feed),
    cursor: positions(asked),
    isFresh,
  });
}

/** The server greeted: each feed is served after the position that it names. */
export function greeted(turn: Turn, { connectionId, topics, lastSeq, pongTimeout }: Connected): void {
  const { carrier, lines, failedOpens } = turn.state;
  const recovered = [...lines.values()].some((line) => line.at !== undefined);
  change(turn, {
    connection: { status: "open", connectionId, since: turn.now, recovered },
    lines: placed(lines, lastSeq),
    failedOpens: carrier === "socket" ? 0 : failedOpens,
    patience: pongTimeout * 1_000,
    due: turn.now + pongTimeout * 1_000,
  });
  if (carrier === "events") return;
  // What was followed when it was opened may be followed no longer, or anew, and more may be by now.
  for (const feed of topics) if (lines.get(feed)?.phase !== "catching up") leave(turn, feed);
  for (const line of turn.state.lines.values()) if (line.phase === "unasked") ask(turn, line);
  ping(turn);
}

/** The connection ended, or did not come about. */
export function lost(turn: Turn, code: number, reason: string): void {
  const { connection } = turn.state;
  if (connection.status === "connecting") notOpened(turn, code);
  else if (connection.status !== "open") return;
  else if (turn.now - connection.since >= HELD_MS) change(turn, { attempt: 0 });
  const todo = advice(code);
  if (todo === "done" || todo === "stop") return end(turn, { status: "closed", code, reason });
  const { attempt } = turn.state;
  wait(turn, delay(code, reason, attempt, turn.chance), code, reason);
  change(turn, { attempt: attempt + 1 });
}

/** Server-sent events that do not open give way to WebSockets; these to them, if ordinary requests go through. */
function notOpened(turn: Turn, code: number): void {
  if (turn.state.carrier === "events") return change(turn, { carrier: "socket", failedOpens: 0 });
  if (code !== BROKEN) return;
  const failedOpens = turn.state.failedOpens + 1;
  change(turn, { failedOpens });
  if (failedOpens >= FAILED_OPENS) turn.effects.push({ kind: "probe" });
}

/** It is `now`: what was due? */
export function ticked(turn: Turn): void {
  const { connection, carrier, due } = turn.state;
  if (turn.now < due) return;
  if (connection.status === "waiting")
    return turn.isOnline ? open(turn) : wait(turn, NEVER, connection.code, "offline");
  if (connection.status === "open" && carrier === "socket" && turn.now > due + OVERSLEPT_MS) return probe(turn);
  turn.effects.push({ kind: "drop" });
  lost(turn, BROKEN, "the server fell silent");
}

/** The page is back, from sleep, the background or offline: is the server still there? */
export function woke(turn: Turn): void {
  const { connection, carrier } = turn.state;
  if (connection.status === "waiting" && turn.isOnline) open(turn);
  else if (connection.status === "open" && carrier === "socket") probe(turn);
}

/** Come back for other feeds, or other positions: server-sent events know no other way. */
export function reopen(turn: Turn): void {
  turn.effects.push({ kind: "drop" });
  wait(turn, REOPEN_MS, 1000, "other topics");
}

/** Leave, and stay away. */
export function retire(turn: Turn, connection: Connection): void {
  turn.effects.push({ kind: "drop" });
  end(turn, connection);
}

function end(turn: Turn, connection: Connection): void {
  renew(turn);
  change(turn, { connection, attempt: 0, due: NEVER });
}

function wait(turn: Turn, milliseconds: number, code: number, reason: string): void {
  const { attempt } = turn.state;
  const until = turn.now + milliseconds;
  change(turn, { connection: { status: "waiting", attempt, until, code, reason }, due: until });
}

/** Measure the round trip. */
const ping = (turn: Turn): void => send(turn, { kind: "ping", timestampMs: Math.round(turn.now) });

function probe(turn: Turn): void {
  ping(turn);
  const { now, state } = turn;
  // The next question does not put off what the last one waits for.
  change(turn, { due: state.due > now ? Math.min(state.due, now + PROBE_MS) : now + PROBE_MS });
}

/** What holds of one connection only: what it was asked for, what it refused, what it has yet to confirm. */
function renew(turn: Turn): void {
  const lines = [...turn.state.lines].map(([feed, { asker: _asker, ...line }]): [Feed, Line] => [
    feed,
    { ...line, phase: "unasked" },
  ]);
  change(turn, { lines: new Map(lines), leaving: [] });
}

/** As many lines as an address holds; the others are asked for by frames. */
function fitting(lines: readonly Line[]): Line[] {
  let room = QUERY_CHARACTERS;
  return lines.filter(({ feed, at }) => {
    room -= feed.length + 1 + (at === undefined ? 0 : `${feed}:${at},`.length);
    return room >= 0;
  });
}

const positions = (lines: readonly Line[]): Positions =>
  Object.fromEntries(lines.flatMap(({ feed, at }) => (at === undefined ? [] : [[feed, at]])));

const placed = (lines: ReadonlyMap<Feed, Line>, lastSeq: Positions): Map<Feed, Line> =>
  new Map(
    [...lines].map(([feed, line]) => {
      const at = lastSeq[feed] ?? line.at;
      return [feed, at === undefined ? line : { ...line, at }];
    }),
  );
