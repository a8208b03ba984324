/** What the frames of the server mean: whom they are told to, and where the cursor is afterwards. */

import type { Feed, Gap, PulseEvent, Refusal, ServerFrame, Unknown } from "../protocol/frames.js";
import { feedOf } from "../protocol/grammar.js";
import { expected, type Line } from "../stream/line.js";
import { NOWHERE, type Reader, shareOf } from "../stream/reader.js";
import { grant, restart, settle } from "./following.js";
import { greeted } from "./life.js";
import { readersOn, send, serve, setLine, setReader } from "./lines.js";
import type { News, Turn } from "./state.js";

/** Any frame is a sign of life. */
export function received(turn: Turn, frame: ServerFrame | Unknown): void {
  const { connection } = turn;
  if (frame.kind === "connected") {
    if (connection.status === "connecting") greeted(turn, frame);
  } else if (connection.status === "open") {
    turn.due = turn.now + turn.patience;
    heed(turn, frame);
  }
}

function heed(turn: Turn, frame: Exclude<ServerFrame, { kind: "connected" }> | Unknown): void {
  const { connection, leaving } = turn;
  switch (frame.kind) {
    case "event":
      return happened(turn, frame);
    case "gap":
    case "snapshot":
    case "subscribed": {
      const line = followed(turn, frame.feed);
      return line && arrived(turn, line, frame);
    }
    case "unsubscribed": {
      const index = leaving.indexOf(frame.feed);
      // What we did not leave the server ended.
      if (index < 0)
        refused(turn, { kind: "error", code: "forbidden", message: `'${frame.feed}' was ended`, topic: frame.feed });
      turn.leaving = leaving.filter((_, each) => each !== index);
      return;
    }
    case "error":
      return refused(turn, frame);
    case "ping":
      send(turn, { kind: "pong" });
      for (const [feed, at] of Object.entries(frame.lastSeq ?? {})) {
        const line = followed(turn, feed);
        if (line) setLine(turn, line, { at });
      }
      return;
    case "pong":
      if (connection.status === "open" && frame.timestampMs !== undefined)
        turn.connection = { ...connection, latencyMs: Math.max(0, turn.now - frame.timestampMs) };
  }
}

function happened(turn: Turn, event: PulseEvent): void {
  const { topic, key, sequence } = event;
  const own = feedOf(topic, key);
  const line = followed(turn, topic) ?? followed(turn, own);
  if (!line || turn.leaving.includes(own) || turn.leaving.includes(topic)) return;
  if (sequence <= (line.at ?? NOWHERE) || !isWhole(turn, line, sequence - 1)) return;
  setLine(turn, line, { at: sequence });
  const isFor = (reader: Reader) => reader.floor < sequence && (reader.feed === own || reader.feed === topic);
  tell(turn, listening(turn, line).filter(isFor), event);
}

function arrived(turn: Turn, line: Line, frame: Extract<News, { feed: Feed }>): void {
  switch (frame.kind) {
    case "gap":
      if (frame.from === null || frame.to > (line.at ?? NOWHERE)) gone(turn, line, frame);
      return;
    case "snapshot":
      // Who waits for everything from the beginning gets it now.
      for (const reader of readersOn(turn, line))
        if (!reader.wish?.after) setReader(turn, reader, { floor: NOWHERE, wish: undefined });
      setLine(turn, line, { at: undefined, isState: true });
      return tell(turn, listening(turn, line), frame);
    case "subscribed":
      if (!isWhole(turn, line, frame.sequence)) return;
      setLine(turn, line, { phase: "live", at: frame.sequence });
      tell(turn, listening(turn, line), frame);
      grant(turn, { ...line, phase: "live", at: frame.sequence });
  }
}

/** Whether nothing is missing up to `end`. A hole is asked for once more; one that is there again is told as a gap. */
function isWhole(turn: Turn, line: Line, end: number): boolean {
  const from = expected(line);
  if (from === undefined || from > end) return true;
  const isHealed = line.healedAt === line.at;
  if (isHealed) gone(turn, line, { kind: "gap", feed: line.feed, from, to: end, reason: "missing" });
  else {
    serve(turn, readersOn(turn, line), line.at);
    restart(turn, line, line.at);
  }
  return isHealed;
}

function gone(turn: Turn, line: Line, gap: Gap): void {
  const { connection } = turn;
  const shares = listening(turn, line).map((reader) => ({ reader, share: shareOf(gap, reader) }));
  tell(
    turn,
    shares.filter(({ share }) => share === gap).map(({ reader }) => reader),
    gap,
  );
  for (const { reader, share } of shares) {
    if (share && share !== gap) tell(turn, [reader], share);
    // The numbers of before mean nothing any more.
    if (gap.from === null) setReader(turn, reader, { floor: NOWHERE });
  }
  setLine(turn, line, { at: gap.to });
  if (connection.status === "open") turn.connection = { ...connection, recovered: false };
}

function refused(turn: Turn, refusal: Refusal): void {
  const line = turn.lines.get(refusal.topic ?? "");
  const readers = line ? readersOn(turn, line).filter((reader) => reader.feed === line.feed) : [];
  turn.effects.push({ kind: "tell", readers: readers.map(({ id }) => id), news: refusal });
  if (!line) return;
  setLine(turn, line, { phase: "refused" });
  // Keys that the whole topic would have served are asked for themselves.
  settle(turn);
}

function tell(turn: Turn, readers: readonly Reader[], news: News): void {
  if (readers.length > 0) turn.effects.push({ kind: "tell", readers: readers.map(({ id }) => id), news });
}

/** Who is given what comes now: not those for whom the line has yet to go back. */
const listening = (turn: Turn, line: Line): Reader[] => readersOn(turn, line).filter((reader) => !reader.wish);

/** The line that is followed on this connection, unless what comes of it, or of what it replaces, is still of before. */
function followed({ lines, leaving }: Turn, feed: Feed): Line | undefined {
  const line = lines.get(feed);
  const isAsked = line?.phase === "catching up" || line?.phase === "live";
  return isAsked && !leaving.includes(feed) ? line : undefined;
}
