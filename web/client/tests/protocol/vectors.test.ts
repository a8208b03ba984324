/** The files in protocol/vectors, which the Python tests read, too, hold for this implementation. */

import { describe, expect, test } from "vitest";
import { advice, retryMs } from "../../src/protocol/closeCodes.js";
import { decodeClient, decodeServer, encodeClient, encodeServer } from "../../src/protocol/codec.js";
import { formatCursor, parseCursor, parseTopics, positionOf } from "../../src/protocol/cursor.js";
import { UsageError } from "../../src/protocol/errors.js";
import type { Positions, Refusal } from "../../src/protocol/frames.js";
import { isEventName, isFeed, isKey, isSequence, isTopic, partsOf } from "../../src/protocol/grammar.js";
import { clientMeaning, type Frame, load, serverMeaning } from "./vectors.js";

const SERVER = load<Record<"valid" | "accepted" | "ignored" | "invalid", Frame[]>>("server_frames");
const CLIENT = load<Record<"valid" | "accepted" | "ignored" | "malformed", Frame[]> & { refused: Refused[] }>(
  "client_frames",
);
const QUERY = load<Query>("query");
const CLOSES = load<Closes>("close_codes");
const GRAMMAR = load<Grammar>("grammar");

/** Ours, and those of the JavaScript engines. */
const NO_FRAME = /not a frame|JSON/;

interface Refused {
  name: string;
  text: string;
  code: string;
}
interface Query {
  topics: { text: string; feeds: string[]; refused: { code: string; topic: string }[] }[];
  lastSeq: { text: string; positions: Positions; refused: { code: string; topic: string }[] }[];
  format: { positions: Positions; text: string }[];
  last: { text: string; newest: Positions; refused: { code: string; topic: string }[] }[];
  lookups: { text: string; feed: string; position: number | null }[];
}
interface Closes {
  codes: { code: number; advice: string }[];
  reasons: { reason: string; retryMs: number | null }[];
}
interface Grammar extends Record<"topic" | "key" | "eventName", { valid: string[]; invalid: string[] }> {
  sequence: { valid: number[]; invalid: number[] };
  feed: { valid: { text: string; topic: string; key: string | null }[]; invalid: string[] };
}

describe("what a server says", () => {
  test.each([...SERVER.valid, ...SERVER.accepted])("is read as it is meant: $name", ({ text, frame }) => {
    const read = decodeServer(text);
    if (read.kind === "unknown") expect.unreachable();
    expect(serverMeaning(read)).toEqual(frame);
  });

  test.each(SERVER.valid)("is written to the letter: $name", ({ text }) => {
    const read = decodeServer(text);
    if (read.kind === "unknown") expect.unreachable();
    expect(encodeServer(read)).toBe(text);
  });

  test.each(SERVER.ignored)("is no error when it is of a later version: $name", ({ text }) => {
    expect(decodeServer(text).kind).toBe("unknown");
  });

  test.each(SERVER.invalid)("is a protocol error when it is no frame: $name", ({ text }) => {
    expect(() => decodeServer(text)).toThrow(NO_FRAME);
  });
});

describe("what a client says", () => {
  test.each([...CLIENT.valid, ...CLIENT.accepted])("is read as it is meant: $name", ({ text, frame }) => {
    const read = decodeClient(text);
    if (read.kind === "unknown") expect.unreachable();
    expect(clientMeaning(read)).toEqual(frame);
  });

  test.each(CLIENT.valid)("is written to the letter: $name", ({ text }) => {
    const read = decodeClient(text);
    if (read.kind === "unknown") expect.unreachable();
    expect(encodeClient(read)).toBe(text);
  });

  test.each(CLIENT.ignored)("is no error when it is of a later version: $name", ({ text }) => {
    expect(decodeClient(text).kind).toBe("unknown");
  });

  test.each(CLIENT.malformed)("is a protocol error when it is no frame: $name", ({ text }) => {
    expect(() => decodeClient(text)).toThrow(NO_FRAME);
  });

  test.each(CLIENT.refused)("is refused when it asks for what cannot be: $name", ({ text, code }) => {
    expect(() => decodeClient(text)).toThrow(UsageError);
    expect(() => decodeClient(text)).toThrow(expect.objectContaining({ code }));
  });
});

describe("the query", () => {
  const brief = (refused: Refusal[]) => refused.map(({ code, topic }) => ({ code, topic }));

  test.each(QUERY.topics)("names topics: '$text'", ({ text, feeds, refused }) => {
    const read = parseTopics(text);
    expect(read.feeds).toEqual(feeds);
    expect(brief(read.refused)).toEqual(refused);
  });

  test.each(QUERY.lastSeq)("names a cursor: '$text'", ({ text, positions, refused }) => {
    const read = parseCursor(text);
    expect(read.positions).toEqual(positions);
    expect(brief(read.refused)).toEqual(refused);
  });

  test.each(QUERY.last)("asks for the newest events: '$text'", ({ text, newest, refused }) => {
    const read = parseCursor(text);
    expect(read.positions).toEqual(newest);
    expect(brief(read.refused)).toEqual(refused);
  });

  test.each(QUERY.format)("is written to the letter: '$text'", ({ positions, text }) => {
    expect(formatCursor(positions)).toBe(text);
  });

  test.each(QUERY.lookups)("serves $feed from '$text'", ({ text, feed, position }) => {
    expect(positionOf(parseCursor(text).positions, feed) ?? null).toBe(position);
  });
});

test.each(CLOSES.codes)("after $code a client does: $advice", (vector) => {
  expect(advice(vector.code)).toBe(vector.advice);
});

test.each(CLOSES.reasons)("the close reason '$reason' asks to wait $retryMs ms", (vector) => {
  expect(retryMs(vector.reason) ?? null).toBe(vector.retryMs);
});

test.each([
  ["topic", isTopic],
  ["key", isKey],
  ["eventName", isEventName],
] as const)("a %s is taken or refused", (name, check) => {
  expect(GRAMMAR[name].valid.filter((text) => !check(text))).toEqual([]);
  expect(GRAMMAR[name].invalid.filter(check)).toEqual([]);
});

test("a sequence is taken or refused", () => {
  expect(GRAMMAR.sequence.valid.every(isSequence)).toBe(true);
  expect(GRAMMAR.sequence.invalid.some(isSequence)).toBe(false);
});

test("a feed is a topic or one key of it", () => {
  for (const { text, topic, key } of GRAMMAR.feed.valid) {
    expect(isFeed(text)).toBe(true);
    expect(partsOf(text)).toEqual(key === null ? { topic } : { topic, key });
  }
  expect(GRAMMAR.feed.invalid.filter(isFeed)).toEqual([]);
});
