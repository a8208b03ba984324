/** Frames to text and back: the only file that knows the names on the wire. */

import { checkFeed } from "./cursor.js";
import { UsageError } from "./errors.js";
import type { Authenticate, ClientFrame, Feed, Ping, ServerFrame, Subscribe, Unknown } from "./frames.js";
import { feedOf, isEventName, isFeed, isKey, isSequence, isTopic } from "./grammar.js";

type Json = Record<string, unknown>;
type Check = (value: unknown) => boolean;

const isAbsent = (value: unknown): value is null | undefined => value === undefined || value === null;
const isA = (type: string) => (value: unknown) => typeof value === type;
const isText = isA("string") as (value: unknown) => value is string;
const isNumber = isA("number");
const isObject = (value: unknown): value is Json => Object(value) === value && !Array.isArray(value);
const isThere: Check = (value) => value !== undefined;
const isSequenceOrNull: Check = (value) => value === null || isSequence(value);
const isReason: Check = (value) => ["expired", "reset", "unreadable"].includes(value as string);
const areFeeds: Check = (value) => Array.isArray(value) && value.every(isFeed);
const arePositions: Check = (value) =>
  isObject(value) && Object.entries(value).every(([feed, sequence]) => isFeed(feed) && isSequence(sequence));

/** Reads what stands in a frame. Throws: Error, where it may not stand there. */
type Read = (value: unknown) => unknown;

const must =
  (holds: Check): Read =>
  (value) => {
    need(holds(value));
    return value;
  };

/** It may be missing, which means this. */
const may = (holds: Check, missing?: unknown): Read => {
  const read = must(holds);
  return (value) => (isAbsent(value) ? missing : read(value));
};

/** Its name on the wire, how it is read, and its name here. An object, since to take tuples apart is slow before it is compiled. */
interface Field {
  readonly wire: string;
  readonly read: Read;
  readonly name: string;
}

const field = (wire: string, read: Read, name = wire): Field => ({ wire, read, name });

const TEXT = must(isText);
const SEQUENCE = must(isSequence);
const TIMESTAMP = field("ts", may(Number.isInteger), "timestampMs");
const FEED = field("topic", must(isFeed), "feed");

/** What a server says, by its kind; in the order in which it is written. */
const FIELDS: Readonly<Record<ServerFrame["kind"], readonly Field[]>> = {
  event: [
    field("topic", must(isTopic)),
    field("event", must(isEventName), "name"),
    field("data", must(isThere)),
    field("_seq", SEQUENCE, "sequence"),
    field("key", may(isKey)),
    field("id", may(isText)),
    TIMESTAMP,
    field("deleted", may(isA("boolean"))),
    field("traceparent", may(isText)),
  ],
  connected: [
    field("connectionId", TEXT),
    field("topics", must(areFeeds)),
    field("protocol", may(isNumber, 1)),
    field("pingInterval", may(isNumber, 20)),
    field("pongTimeout", may(isNumber, 30)),
    field("lastSeq", may(arePositions, {})),
    field("state", may(areFeeds)),
  ],
  subscribed: [FEED, field("seq", SEQUENCE, "sequence"), field("replayed", may(isSequence, 0))],
  unsubscribed: [FEED],
  gap: [FEED, field("from", must(isSequenceOrNull)), field("to", SEQUENCE), field("reason", must(isReason))],
  snapshot: [FEED],
  auth: [field("expiresAt", may(isSequence, null)), field("expiresIn", may(isSequence, null))],
  error: [field("code", TEXT), field("message", TEXT), field("topic", may(isText))],
  ping: [TIMESTAMP, field("lastSeq", may(arePositions))],
  pong: [TIMESTAMP],
  close: [field("code", must(isNumber)), field("reason", may(isText, ""))],
};

// What a server says.

/** The texts of the frames in a message. No JSON holds what stands between them: it would be escaped. */
export const textsOf = (message: string): string[] => message.split("\x1e");

/** What the server says. Throws: Error, where it is no frame. */
export function decodeServer(text: string): ServerFrame | Unknown {
  const json = parse(text);
  const { type, data } = json;
  const { action } = (data ?? {}) as Json;
  switch (type ?? "event") {
    case "event":
      return isAbsent(json.event) ? UNKNOWN : read("event", json);
    case "ping":
    case "pong":
      return read(type, json);
    case "connection":
      return read("connected", data);
    case "subscription":
      return action === "subscribed" || action === "unsubscribed" ? read(action, data) : UNKNOWN;
    default:
      need(isText(type));
      return read(type, data);
  }
}

function read(kind: unknown, json: unknown): ServerFrame | Unknown {
  if (!Object.hasOwn(FIELDS, kind as string)) return UNKNOWN;
  need(isObject(json));
  const frame: Json = { kind };
  for (const { wire, read, name } of FIELDS[kind as ServerFrame["kind"]]) {
    const value = read(json[wire]);
    if (value !== undefined) frame[name] = value;
  }
  // The cast: FIELDS says what each kind holds, and has been checked.
  return frame as unknown as ServerFrame;
}

/** The text of a server's frame, to the letter. */
export function encodeServer(frame: ServerFrame): string {
  const { kind } = frame;
  const fields = Object.fromEntries(FIELDS[kind].map(({ wire, name }) => [wire, (frame as unknown as Json)[name]]));
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
  // Of any frame: what a kind has not is absent, and not written.
  const { kind: action, feed, after: lastSeq, last, token, timestampMs: ts } = frame as AnyClientFrame;
  const [topic, key] = feed?.split("/") ?? [];
  return JSON.stringify({ action, topic, key, lastSeq, last, token, ts });
}

type Fields<Frame> = Partial<Omit<Frame, "kind">>;
type AnyClientFrame = Pick<ClientFrame, "kind"> & Fields<Subscribe> & Fields<Authenticate> & Fields<Ping>;

/** What a client says. Throws: UsageError where it asks for what cannot be, another Error where it is no frame. */
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
  const value: unknown = JSON.parse(text);
  need(isObject(value));
  return value;
}

function need(holds: unknown): asserts holds {
  if (!holds) throw new TypeError("not a frame");
}

function timestamp(ts: unknown): { timestampMs?: number } {
  if (isAbsent(ts)) return {};
  need(Number.isInteger(ts));
  return { timestampMs: ts as number };
}
