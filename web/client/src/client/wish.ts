/** What a page asks for, checked where the mistake is made: a server could only refuse it, and later. */

import type { Feed } from "../protocol/frames.js";
import { feedOf, isKey, isSequence, isTopic, named, topicOf } from "../protocol/grammar.js";
import type { Start } from "../stream/reader.js";
import type { TopicOptions } from "./api.js";

/** Throws: TypeError, which says what was given, and what is wanted. */
function must(holds: boolean, given: unknown, wanted: string): asserts holds {
  if (!holds) throw new TypeError(`'${given}' is not ${wanted}`);
}

/** With a scheme that we know, or none: `localhost:8000/ws` has one, which is `localhost`. */
const isAddress = named("((http|ws)s?://[^/].*|[^:]+|[^:]*/.*)");

/** Throws: TypeError. */
export const checkAddress = (url: string): void =>
  must(isAddress(url), url, "an address: write '/ws', or 'wss://host/ws'");

/** A feed, and from where on somebody wants it. */
export interface Wish extends Start {
  readonly feed: Feed;
}

/** Throws: TypeError. */
export function wish(topic: string, { key, after, last }: TopicOptions = {}): Wish {
  must(isTopic(topic), topic, "a topic: name one, as 'knowledge'");
  must(key === undefined || isKey(key), key, "a key: up to 128 of A-Za-z0-9_=:-");
  must(last === undefined || isSequence(last), last, "a number of events");
  const feed = feedOf(topic, key);
  return { feed, after: after === undefined ? undefined : sequenceOf(feed, after), last };
}

/** The sequence that is meant by a number, or by a position as text; a topic's serves its keys. */
function sequenceOf(feed: Feed, given: unknown): number {
  const [, of, digits] = /^(.+):(\d+)$/.exec(`${given}`) ?? [];
  const sequence = of === feed || of === topicOf(feed) ? Number(digits) : given;
  must(isSequence(sequence), given, `a position of ${feed}`);
  return sequence;
}
