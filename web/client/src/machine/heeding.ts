/** What the frames of the server mean: whom they are told to, and where the cursor is afterwards. */

import type {
  Feed,
  Gap,
  Ping,
  PulseEvent,
  Refusal,
  ServerFrame,
  Snapshot,
  Subscribed,
  Unknown,
  Unsubscribed,
} from "../protocol/frames.js";
import { feedOf } from "../protocol/grammar.js";
import { forgotten, judge, judgeEnd, type Line, missing, moved } from "../stream/line.js";
import { granted, NOWHERE, type Reader, share } from "../stream/reader.js";
import { grant, restart, settle, turned } from "./following.js";
import { greeted } from "./life.js";
import { change, readersOn, send, setLine, setReaders, type Turn, tell } from "./turn.js";

/** Any frame is a sign of life. */
export function received(turn: Turn, frame: ServerFrame | Unknown): void {
  const { connection, patience } = turn.state;
  if (frame.kind === "connected") return connection.status === "connecting" ? greeted(turn, frame) : undefined;
  if (connection.status !== "open") return;
  change(turn, { due: turn.now + patience });
  heed(turn, frame);
}

function heed(turn: Turn, frame: Exclude<ServerFrame, { kind: "connected" }> | Unknown): void {
  switch (frame.kind) {
    case "event":
      return happened(turn, frame);
    case "gap":
      return withLine(turn, frame.feed, (line) => gone(turn, line, frame));
    case "snapshot":
      return withLine(turn, frame.feed, (line) => voided(turn, line, frame));
    case "subscribed":
      return withLine(turn, frame.feed, (line) => caughtUp(turn, line, frame));
    case "unsubscribed":
      return left(turn, frame);
    case "error":
      return refused(turn, frame);
    case "ping":
      return pinged(turn, frame);
    case "pong":
      return answered(turn, frame.timestampMs);
  }
}

function happened(turn: Turn, event: PulseEvent): void {
  const own = feedOf(event.topic, event.key);
  let line = followed(turn, event.topic) ?? followed(turn, own);
  if (!line || turn.state.leaving.includes(own) || turn.state.leaving.includes(event.topic)) return;
  if (judge(line, event.sequence) === "repeat") {
    if (line.asker === undefined) return;
    line = turned(turn, line);
  } else if (judge(line, event.sequence) === "hole" && !isExplained(turn, line, event.sequence - 1)) return;
  setLine(turn, { ...moved(line, event.sequence), isState: line.isState || event.deleted === true });
  const readers = listening(turn, line).filter(
    (reader) => reader.floor < event.sequence && (reader.feed === own || reader.feed === event.topic),
  );
  if (readers.length > 0) tell(turn, readers, event);
}

/** A hole up to `to` is asked for once more; one that is there again is told as a gap. Answers whether to go on. */
function isExplained(turn: Turn, line: Line, to: number): boolean {
  if (line.healedAt === line.at) {
    gone(turn, line, missing(line, to));
    return true;
  }
  restart(turn, line, line.at ?? 0);
  return false;
}

function gone(turn: Turn, followed: Line, gap: Gap): void {
  const isRepeat = gap.from !== null && gap.to <= (followed.at ?? NOWHERE);
  if (isRepeat && followed.asker === undefined) return;
  const line = isRepeat ? turned(turn, followed) : followed;
  const { connection } = turn.state;
  for (const reader of listening(turn, line)) {
    const part = share(gap, reader);
    if (part) tell(turn, [reader], part);
    // The numbers of before mean nothing any more.
    if (gap.from === null) setReaders(turn, [{ ...reader, floor: NOWHERE }]);
  }
  setLine(turn, moved(line, gap.to));
  if (connection.status === "open" && connection.recovered)
    change(turn, { connection: { ...connection, recovered: false } });
}

function voided(turn: Turn, line: Line, snapshot: Snapshot): void {
  // Who waits for everything from the beginning gets it now.
  for (const reader of readersOn(turn, line.feed))
    if (!reader.wish || reader.wish.after === 0 || reader.id === line.asker)
      setReaders(turn, [granted(reader, NOWHERE)]);
  setLine(turn, { ...forgotten(line), isState: true });
  tell(turn, listening(turn, line), snapshot);
}

function caughtUp(turn: Turn, line: Line, frame: Subscribed): void {
  if (judgeEnd(line, frame.sequence) === "hole" && !isExplained(turn, line, frame.sequence)) return;
  const live: Line = { ...turned(turn, line), phase: "live", at: frame.sequence };
  setLine(turn, live);
  tell(turn, listening(turn, line), frame);
  grant(turn, live);
}

/** What we left is left; what we did not leave the server ended. */
function left(turn: Turn, { feed }: Unsubscribed): void {
  const { leaving } = turn.state;
  const index = leaving.indexOf(feed);
  if (index >= 0) return change(turn, { leaving: leaving.filter((_, each) => each !== index) });
  refused(turn, { kind: "error", code: "forbidden", message: `the server ended '${feed}'`, topic: feed });
}

function refused(turn: Turn, refusal: Refusal): void {
  const line = turn.state.lines.get(refusal.topic ?? "");
  tell(turn, line ? readersOn(turn, line.feed).filter((reader) => reader.feed === line.feed) : [], refusal);
  if (!line) return;
  setLine(turn, { ...line, phase: "refused" });
  // Keys that the whole topic would have served are asked for themselves.
  settle(turn);
}

function pinged(turn: Turn, { lastSeq = {} }: Ping): void {
  send(turn, { kind: "pong" });
  for (const [feed, sequence] of Object.entries(lastSeq))
    withLine(turn, feed, (line) => setLine(turn, moved(line, sequence)));
}

function answered(turn: Turn, timestampMs: number | undefined): void {
  const { connection } = turn.state;
  if (connection.status === "open" && timestampMs !== undefined)
    change(turn, { connection: { ...connection, latencyMs: Math.max(0, turn.now - timestampMs) } });
}

/** Who is given what comes now: not those for whom the line has yet to go back. */
const listening = (turn: Turn, line: Line): Reader[] => readersOn(turn, line.feed).filter((reader) => !reader.wish);

function withLine(turn: Turn, feed: Feed, act: (line: Line) => void): void {
  const line = followed(turn, feed);
  if (line) act(line);
}

/** The line that is followed on this connection, unless what comes of it, or of what it replaces, is still of before. */
function followed({ state: { lines, leaving } }: Turn, feed: Feed): Line | undefined {
  const line = lines.get(feed);
  if (line?.phase !== "catching up" && line?.phase !== "live") return undefined;
  return leaving.includes(feed) ? undefined : line;
}
