/** Frames to text and back: the only file that knows the names on the wire. */

import { checkFeed } from "./cursor.js";
import { ProtocolError, UsageError } from "./errors.js";
import type { ClientFrame, Feed, ServerFrame, Unknown } from "./frames.js";
import { feedOf, isEventName, isFeed, isKey, isSequence, isTopic } from "./grammar.js";

type Json = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;
const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => typeof value === "number";
const isObject = (value: unknown): value is Json => typeof value === "object" && !!value && !Array.isArray(value);
const isPositions: Check = (value) =>
  isObject(value) && Object.entries(value).every(([feed, sequence]) => isFeed(feed) && isSequence(sequence));
const isGapReason: Check = (value) => ["expired", "reset", "unreadable"].includes(value as string);
const isNullOrSequence: Check = (value) => value === null || isSequence(value);
const isAnything: Check = (value) => value !== undefined;
const areFeeds: Check = (value) => Array.isArray(value) && value.every(isFeed);

/** A field: its name on the wire, its name here, what must hold of it, and what a missing one means where it may be missing. */
type Field = readonly [wire: string, name: string, holds: Check, missing?: { readonly is: unknown }];

const OPTIONAL = { is: undefined };
const FEED: Field = ["topic", "feed", isFeed];
const SEQUENCE: Field = ["seq", "sequence", isSequence];
const TIMESTAMP: Field = ["ts", "timestampMs", Number.isInteger, OPTIONAL];

/** What a server says, by its kind; in the order in which it is written. */
const FIELDS: Readonly<Record<ServerFrame["kind"] | "close", readonly Field[]>> = {
  event: [
    ["topic", "topic", isTopic],
    ["event", "name", isEventName],
    ["data", "data", isAnything],
    ["_seq", "sequence", isSequence],
    ["key", "key", isKey, OPTIONAL],
    ["id", "id", isText, OPTIONAL],
    ["ts", "timestampMs", Number.isInteger, OPTIONAL],
    ["deleted", "deleted", (value) => typeof value === "boolean", OPTIONAL],
  ],
  connected: [
    ["connectionId", "connectionId", isText],
    ["topics", "topics", areFeeds],
    ["protocol", "protocol", isNumber, { is: 1 }],
    ["pingInterval", "pingInterval", isNumber, { is: 20 }],
    ["pongTimeout", "pongTimeout", isNumber, { is: 30 }],
    ["lastSeq", "lastSeq", isPositions, { is: {} }],
    ["state", "state", areFeeds, OPTIONAL],
  ],
  subscribed: [FEED, SEQUENCE, ["replayed", "replayed", isSequence, { is: 0 }]],
  unsubscribed: [FEED],
  gap: [FEED, ["from", "from", isNullOrSequence], ["to", "to", isSequence], ["reason", "reason", isGapReason]],
  snapshot: [FEED],
  auth: [["expiresAt", "expiresAt", isNullOrSequence, { is: null }]],
  error: [
    ["code", "code", isText],
    ["message", "message", isText],
    ["topic", "topic", isText, OPTIONAL],
  ],
  ping: [TIMESTAMP, ["lastSeq", "lastSeq", isPositions, OPTIONAL]],
  pong: [TIMESTAMP],
  close: [
    ["code", "code", isNumber],
    ["reason", "reason", isText, { is: "" }],
  ],
};

// What a server says.

/** What the server says. Throws: ProtocolError where it is no frame. */
export function decodeServer(text: string): ServerFrame | Unknown {
  const frame = parse(text);
  const { type, data } = frame;
  // The cast: FIELDS says what each kind holds, and has been checked.
  const read = (kind: string, from: unknown) => decode(kind as ServerFrame["kind"], from) as unknown as ServerFrame;
  if (isAbsent(type)) return isAbsent(frame.event) ? UNKNOWN : read("event", frame);
  need(isText(type));
  if (type === "ping" || type === "pong") return read(type, frame);
  if (type === "connection") return read("connected", data);
  if (type !== "subscription") return Object.hasOwn(FIELDS, type) ? read(type, data) : UNKNOWN;
  const { action } = isObject(data) ? data : {};
  return action === "subscribed" || action === "unsubscribed" ? read(action, data) : UNKNOWN;
}

/** The code and reason of the block that ends a stream of server-sent events. Throws: ProtocolError. */
export const decodeClose = (text: string): { code: number; reason: string } =>
  decode("close", parse(text).data) as { code: number; reason: string };

function decode(kind: keyof typeof FIELDS, json: unknown): Json {
  need(isObject(json));
  const frame: Json = { kind };
  for (const [wire, name, holds, missing] of FIELDS[kind]) {
    const value = missing && isAbsent(json[wire]) ? missing.is : json[wire];
    need((missing && value === missing.is) || holds(value));
    if (value !== undefined) frame[name] = value;
  }
  return frame;
}

/** The text of a server's frame, to the letter. */
export function encodeServer(frame: ServerFrame): string {
  const { kind } = frame;
  const fields = Object.fromEntries(FIELDS[kind].map(([wire, name]) => [wire, (frame as unknown as Json)[name]]));
  switch (kind) {
    case "event":
      return JSON.stringify(fields);
    case "ping":
      return JSON.stringify({ type: kind, ...fields });
    case "pong":
      return JSON.stringify({ type: kind, ts: fields.ts ?? null });
    case "connected":
      return JSON.stringify({ type: "connection", data: { status: kind, ...fields } });
    case "subscribed":
    case "unsubscribed":
      return JSON.stringify({ type: "subscription", data: { action: kind, ...fields } });
    default:
      return JSON.stringify({ type: kind, data: fields });
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

const UNKNOWN: Unknown = { kind: "unknown" };

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

function need(holds: boolean): asserts holds {
  if (!holds) throw new ProtocolError("not a frame");
}

function timestamp(ts: unknown): { timestampMs?: number } {
  if (isAbsent(ts)) return {};
  need(Number.isInteger(ts));
  return { timestampMs: ts as number };
}
