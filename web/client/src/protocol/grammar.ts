/** The names that may be said: topics, keys, event names, sequences. */

import type { Feed } from "./frames.js";

const TOPIC = "[a-z][a-z0-9_-]{0,62}";
const KEY = "[A-Za-z0-9_=:-]{1,128}";

/** Whether it is text that is this as a whole. */
export const named = (pattern: string) => {
  const whole = new RegExp(`^${pattern}$`);
  return (text: unknown): text is string => typeof text === "string" && whole.test(text);
};

export const isTopic = named(TOPIC);
export const isKey = named(KEY);
export const isFeed = named(`${TOPIC}(/${KEY})?`);
export const isEventName = named("[A-Za-z][A-Za-z0-9_.:-]{0,127}");

/** JavaScript counts exactly up to 2^53 - 1; a sequence is a microsecond, so this lasts until the year 2255. */
export const isSequence = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** The topic of a feed. */
export const topicOf = (feed: Feed): string => feed.replace(/\/.*/, "");

/** The topic of a feed, and its key if it has one. */
export function partsOf(feed: Feed): { topic: string; key?: string } {
  const slash = feed.indexOf("/");
  return slash < 0 ? { topic: feed } : { topic: feed.slice(0, slash), key: feed.slice(slash + 1) };
}

/** The feed of a topic, or of one key of it. */
export const feedOf = (topic: string, key?: string): Feed => (key === undefined ? topic : `${topic}/${key}`);
