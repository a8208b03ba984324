/** What the frames of the server mean: whom they are told to, and where lines and readers stand afterwards. */

import type { Connected, Feed, Gap, PulseEvent, Refusal, ServerFrame, Unknown } from "../protocol/frames.js";
import { feedOf, topicOf } from "../protocol/grammar.js";
import { expected, type Line } from "../stream/line.js";
import { covers, NOWHERE, type Reader } from "../stream/reader.js";
import { ask, askNext, restart, settle } from "./following.js";
import { cut, ping } from "./life.js";
import {
  leave,
  listening,
  place,
  readersOn,
  send,
  setLine,
  setReaders,
  standingOn,
  tell,
  tellEach,
  welcome,
} from "./lines.js";
import type { News, Turn } from "./state.js";

type Frame = ServerFrame | Unknown;

/** What came in one message. Any frame is a sign of life. */
export function received(turn: Turn, frames: readonly Frame[]): void {
  const run: PulseEvent[] = [];
  for (const [index, frame] of frames.entries()) {
    const { status } = turn.connection;
    if (frame.kind === "close") cut(turn, frame.code, frame.reason);
    else if (frame.kind === "connected") {
      if (status === "connecting") greeted(turn, frame);
    } else if (status === "open") {
      turn.due = turn.now + turn.patience;
      if (frame.kind !== "event") heed(turn, frame);
      else {
        run.push(frame);
        if (!isNext(frame, frames[index + 1])) happened(turn, run.splice(0));
      }
      recovered(turn);
    }
  }
}

/** Whether events follow on each other. Those are one step: to find out whom they are for costs more than they do. */
const isNext = (event: PulseEvent, next?: Frame): boolean =>
  next?.kind === "event" && next.topic === event.topic && next.sequence === event.sequence + 1;

/** The server greeted: each feed is served after the position that it names. */
function greeted(turn: Turn, { connectionId, topics, lastSeq, pongTimeout, state = [] }: Connected): void {
  const { lines, now } = turn;
  const isResumed = [...lines.values()].some(({ at }) => at !== undefined);
  turn.connection = { status: "open", connectionId, since: now, recovered: isResumed ? undefined : false };
  turn.stateTopics = state;
  turn.patience = pongTimeout * 1_000;
  turn.due = now + turn.patience;
  turn.failedOpens = 0;
  // What was followed when it was opened may be followed no longer, or anew.
  for (const feed of topics) if (lines.get(feed)?.phase !== "catching up") leave(turn, feed);
  for (const line of lines.values()) {
    const named = setLine(turn, line, { isState: state.includes(topicOf(line.feed)) });
    const at = lastSeq[line.feed];
    // Where it was when this was opened is nothing to who follows it anew.
    if (at !== undefined && line.phase === "catching up") moved(turn, named, at);
  }
  ping(turn);
  settle(turn);
}

function heed(turn: Turn, frame: Exclude<Frame, { kind: "connected" | "close" | "event" }>): void {
  const { connection, leaving } = turn;
  switch (frame.kind) {
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
        if (line) moved(turn, line, at);
      }
      return;
    case "pong":
      if (connection.status === "open" && frame.timestampMs !== undefined)
        turn.connection = { ...connection, latencyMs: Math.max(0, turn.now - frame.timestampMs) };
  }
}

/** Where the topic is followed as a whole they are of one line, else each is of its key's. */
function happened(turn: Turn, events: readonly PulseEvent[]): void {
  const { leaving } = turn;
  const whole = followed(turn, events[0]?.topic ?? "");
  if (whole)
    return came(
      turn,
      whole,
      events.filter((event) => !leaving.includes(ownFeed(event))),
    );
  for (const event of events) {
    const line = followed(turn, ownFeed(event));
    if (line && !leaving.includes(event.topic)) came(turn, line, [event]);
  }
}

const ownFeed = ({ topic, key }: PulseEvent): Feed => feedOf(topic, key);

function came(turn: Turn, line: Line, events: readonly PulseEvent[]): void {
  const { at: before = NOWHERE } = line;
  const fresh = events.filter(({ sequence }) => sequence > before);
  const [first, last] = [fresh[0], fresh.at(-1)];
  if (!first || !last || !isWhole(turn, line, first.sequence - 1)) return;
  setLine(turn, line, { at: last.sequence });
  const due = listening(turn, line).filter(({ at = NOWHERE }) => at < last.sequence);
  along(turn, due);
  tellEach(turn, due, ({ feed, at = NOWHERE }) =>
    fresh.filter((event) => event.sequence > at && covers(feed, ownFeed(event))),
  );
}

/** From here on these readers stand where their line stands. */
const along = (turn: Turn, readers: readonly Reader[]): void =>
  setReaders(
    turn,
    readers.filter(({ at }) => at !== undefined),
    { at: undefined },
  );

function arrived(turn: Turn, line: Line, frame: Extract<News, { feed: Feed }>): void {
  switch (frame.kind) {
    case "gap":
      if (frame.from === null || isWhole(turn, line, frame.from - 1)) gone(turn, line, frame);
      return;
    case "snapshot":
      setReaders(turn, readersOn(turn, line), { at: undefined, last: undefined });
      setLine(turn, line, { at: undefined, isState: true, asker: undefined });
      return tell(turn, readersOn(turn, line), [frame]);
    case "subscribed":
      if (!isWhole(turn, line, frame.sequence)) return;
      // Who stands behind where the line began is asked for next, and is live only then.
      welcome(
        turn,
        listening(turn, line).filter(({ at }) => at === undefined || at >= (line.at ?? frame.sequence)),
        frame,
      );
      ask(turn, moved(turn, { ...line, phase: "live" }, frame.sequence));
      askNext(turn);
  }
}

/** Nothing was missed, once every line has caught up and no gap was told. */
function recovered(turn: Turn): void {
  const { connection, lines } = turn;
  if (connection.status !== "open" || connection.recovered !== undefined) return;
  const isThere = [...lines.values()].every(({ phase }) => phase === "live" || phase === "refused");
  if (isThere) turn.connection = { ...connection, recovered: true };
}

/** Everything up to this position was given to whoever came along. */
function moved(turn: Turn, line: Line, to: number): Line {
  const { asker, phase, at: before = to } = line;
  const isAlong = ({ at = to, last }: Reader) => !asker && last === undefined && at >= before && at <= to;
  along(turn, readersOn(turn, line).filter(isAlong));
  const isDone = phase === "live";
  const granted = isDone && asker ? turn.readers.get(asker) : undefined;
  if (granted) setReaders(turn, [granted], { at: undefined, last: undefined });
  return setLine(turn, line, { at: to, asker: isDone ? undefined : asker });
}

/** Whether nothing is missing up to `end`. A hole is asked for once more; one that is there again is told as a gap. */
function isWhole(turn: Turn, line: Line, end: number): boolean {
  const from = expected(line);
  if (from === undefined || from > end) return true;
  const isHealed = line.healedAt === line.at;
  if (isHealed) gone(turn, line, { kind: "gap", feed: line.feed, from, to: end, reason: "missing" });
  else restart(turn, line, from - 1);
  return isHealed;
}

function gone(turn: Turn, line: Line, gap: Gap): void {
  const { connection } = turn;
  const { from, to } = gap;
  if (from !== null && to <= (line.at ?? NOWHERE)) return;
  const isReset = from === null;
  // What was reset is so for those, too, who wait while another one is given the newest events.
  const readers = isReset ? standingOn(turn, line) : listening(turn, line);
  // Of the gap nothing concerns a reader that it was served before.
  const begin = ({ at = line.at ?? NOWHERE }: Reader) => (isReset ? from : Math.max(from, at + 1));
  const concerned = readers.filter((reader) => isReset || Number(begin(reader)) <= to);
  tellEach(turn, concerned, (reader) => [{ ...gap, from: begin(reader) }]);
  // After a reset the numbers of before mean nothing any more.
  along(
    turn,
    readers.filter(({ at = NOWHERE }) => isReset || at <= to),
  );
  if (isReset && line.asker) {
    const waiting = readers.filter(({ id }) => id !== line.asker);
    setReaders(turn, waiting, { at: to });
  }
  setLine(turn, line, { at: to, healedAt: undefined });
  if (connection.status === "open") turn.connection = { ...connection, recovered: false };
}

function refused(turn: Turn, refusal: Refusal): void {
  const line = turn.lines.get(refusal.topic ?? "");
  const readers = line ? readersOn(turn, line).filter((reader) => reader.feed === line.feed) : [];
  turn.effects.push({ kind: "tell", readers: readers.map(({ id }) => id), news: [refusal] });
  if (!line) return;
  place(turn, line, undefined, { phase: "refused" });
  // Keys that the whole topic would have served are asked for themselves.
  settle(turn);
}

/** The line that is followed on this connection, unless what comes of it, or of what it replaces, is still of before. */
function followed({ lines, leaving }: Turn, feed: Feed): Line | undefined {
  const line = lines.get(feed);
  const isAsked = line?.phase === "catching up" || line?.phase === "live";
  return isAsked && !leaving.includes(feed) ? line : undefined;
}
