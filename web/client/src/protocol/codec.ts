/** Frames to text and back: the only file that knows the names on the wire. */

import { checkFeed } from "./cursor.js";
import { ProtocolError, UsageError } from "./errors.js";
import type { ClientFrame, Feed, GapReason, Positions, PulseEvent, ServerFrame, Unknown } from "./frames.js";
import { feedOf, isEventName, isFeed, isKey, isSequence, isTopic } from "./grammar.js";

type Json = Record<string, unknown>;

const GAP_REASONS = ["expired", "reset", "unreadable"];
const UNKNOWN: Unknown = { kind: "unknown" };

// What a server says.

/** What the server says. Throws: ProtocolError where it is no frame. */
export function decodeServer(text: string): ServerFrame | Unknown {
  const frame = parse(text);
  if (isAbsent(frame.type)) return isAbsent(frame.event) ? UNKNOWN : decodeEvent(frame);
  need(isText(frame.type));
  return decodeControl(frame.type, frame);
}

function decodeEvent({ topic, event, data, _seq, key, id, ts, deleted }: Json): PulseEvent {
  need(isText(topic) && isTopic(topic) && isText(event) && isEventName(event) && data !== undefined);
  need(isSequence(_seq));
  need(isAbsent(key) || (isText(key) && isKey(key)));
  need(isAbsent(id) || isText(id));
  return {
    kind: "event",
    topic,
    name: event,
    data,
    sequence: _seq,
    ...(isText(key) && { key }),
    ...(isText(id) && { id }),
    ...timestamp(ts),
    ...(deleted === true && { deleted }),
  };
}

function decodeControl(type: string, frame: Json): ServerFrame | Unknown {
  switch (type) {
    case "ping":
      return {
        kind: type,
        ...timestamp(frame.ts),
        ...(!isAbsent(frame.lastSeq) && { lastSeq: positions(frame.lastSeq) }),
      };
    case "pong":
      return { kind: type, ...timestamp(frame.ts) };
    case "connection":
    case "subscription":
    case "gap":
    case "snapshot":
    case "auth":
    case "error":
      need(isObject(frame.data));
      return decodeData(type, frame.data);
    default:
      return UNKNOWN;
  }
}

function decodeData(type: string, data: Json): ServerFrame | Unknown {
  switch (type) {
    case "connection":
      return decodeConnection(data);
    case "subscription":
      return decodeSubscription(data);
    case "gap": {
      const { from, to, reason } = data;
      need(from === null || isSequence(from));
      need(isSequence(to) && GAP_REASONS.includes(reason as string));
      return { kind: type, feed: feed(data.topic), from, to, reason: reason as GapReason };
    }
    case "snapshot":
      return { kind: type, feed: feed(data.topic) };
    case "auth": {
      const { expiresAt } = data;
      need(isAbsent(expiresAt) || isSequence(expiresAt));
      return { kind: type, expiresAt: expiresAt ?? null };
    }
    default: {
      const { code, message, topic } = data;
      need(isText(code) && isText(message));
      return { kind: "error", code, message, ...(isText(topic) && { topic }) };
    }
  }
}

function decodeConnection({
  connectionId,
  topics,
  protocol = 1,
  pingInterval = 20,
  pongTimeout = 30,
  lastSeq,
}: Json): ServerFrame {
  need(isText(connectionId) && Array.isArray(topics));
  need(isNumber(protocol) && isNumber(pingInterval) && isNumber(pongTimeout));
  return {
    kind: "connected",
    connectionId,
    topics: topics.map(feed),
    protocol,
    pingInterval,
    pongTimeout,
    lastSeq: positions(lastSeq ?? {}),
  };
}

function decodeSubscription({ action, topic, seq, replayed = 0 }: Json): ServerFrame | Unknown {
  if (action === "unsubscribed") return { kind: action, feed: feed(topic) };
  if (action !== "subscribed") return UNKNOWN;
  need(isSequence(seq) && isSequence(replayed));
  return { kind: action, feed: feed(topic), sequence: seq, replayed };
}

/** The text of a server's frame, to the letter. */
export function encodeServer(frame: ServerFrame): string {
  return JSON.stringify(serverJson(frame));
}

function serverJson(frame: ServerFrame): Json {
  switch (frame.kind) {
    case "event": {
      const { topic, name, data, sequence, key, id, timestampMs, deleted } = frame;
      return { topic, event: name, data, _seq: sequence, key, id, ts: timestampMs, deleted };
    }
    case "connected": {
      const { connectionId, topics, protocol, pingInterval, pongTimeout, lastSeq } = frame;
      const data = { status: "connected", connectionId, topics, protocol, pingInterval, pongTimeout, lastSeq };
      return { type: "connection", data };
    }
    case "subscribed": {
      const { kind: action, feed: topic, sequence: seq, replayed } = frame;
      return { type: "subscription", data: { action, topic, seq, replayed } };
    }
    case "unsubscribed":
      return { type: "subscription", data: { action: frame.kind, topic: frame.feed } };
    case "gap": {
      const { kind: type, feed: topic, from, to, reason } = frame;
      return { type, data: { topic, from, to, reason } };
    }
    case "snapshot":
      return { type: frame.kind, data: { topic: frame.feed } };
    case "auth":
      return { type: frame.kind, data: { expiresAt: frame.expiresAt } };
    case "error": {
      const { kind: type, code, message, topic } = frame;
      return { type, data: { code, message, topic } };
    }
    case "ping":
      return { type: frame.kind, ts: frame.timestampMs, lastSeq: frame.lastSeq };
    case "pong":
      return { type: frame.kind, ts: frame.timestampMs ?? null };
  }
}

// What a client says.

/** The text of a client's frame, to the letter. */
export function encodeClient(frame: ClientFrame): string {
  return JSON.stringify(clientJson(frame));
}

function clientJson(frame: ClientFrame): Json {
  switch (frame.kind) {
    case "subscribe":
    case "unsubscribe": {
      const [topic, key] = frame.feed.split("/");
      const { after, last } = frame as { after?: number; last?: number };
      return { action: frame.kind, topic, key, lastSeq: after, last };
    }
    case "auth":
      return { action: frame.kind, token: frame.token };
    case "ping":
      return { action: frame.kind, ts: frame.timestampMs };
    case "pong":
      return { action: frame.kind };
  }
}

/** What a client says. Throws: ProtocolError where it is no frame, UsageError where it asks for what cannot be. */
export function decodeClient(text: string): ClientFrame | Unknown {
  const { action, topic, key, lastSeq, last, token, ts } = parse(text);
  need(isText(action));
  switch (action) {
    case "subscribe":
      return { kind: action, feed: askedFeed(topic, key), ...start(lastSeq, last) };
    case "unsubscribe":
      return { kind: action, feed: askedFeed(topic, key) };
    case "auth":
      need(isText(token));
      return { kind: action, token };
    case "ping":
      return { kind: action, ...timestamp(ts) };
    case "pong":
      return { kind: action };
    default:
      return UNKNOWN;
  }
}

function askedFeed(topic: unknown, key: unknown): Feed {
  need(isText(topic) && (isAbsent(key) || isText(key)));
  if (topic.includes("/")) throw new UsageError("invalid_topic", `invalid topic '${topic}'`);
  return checkFeed(feedOf(topic, key ?? undefined));
}

function start(lastSeq: unknown, last: unknown): { after?: number; last?: number } {
  for (const number of [lastSeq, last]) {
    need(isAbsent(number) || Number.isInteger(number));
    if (!isAbsent(number) && !isSequence(number)) throw new UsageError("invalid_cursor", `invalid cursor ${number}`);
  }
  if (!isAbsent(lastSeq) && !isAbsent(last))
    throw new UsageError("invalid_cursor", "subscribe names both lastSeq and last: send one of them");
  return { ...(isSequence(lastSeq) && { after: lastSeq }), ...(isSequence(last) && { last }) };
}

// Either way.

function parse(text: string): Json {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ProtocolError("not JSON", { cause: error });
  }
  need(isObject(value));
  return value;
}

function need(holds: unknown): asserts holds {
  if (!holds) throw new ProtocolError("not a frame");
}

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;
const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isObject = (value: unknown): value is Json => typeof value === "object" && !!value && !Array.isArray(value);

function feed(value: unknown): Feed {
  need(isText(value) && isFeed(value));
  return value;
}

function positions(value: unknown): Positions {
  need(isObject(value));
  for (const [name, sequence] of Object.entries(value)) need(isFeed(name) && isSequence(sequence));
  return value as Positions;
}

function timestamp(ts: unknown): { timestampMs?: number } {
  if (isAbsent(ts)) return {};
  need(Number.isInteger(ts));
  return { timestampMs: ts as number };
}
