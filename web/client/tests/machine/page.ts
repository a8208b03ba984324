/** A page as the machine sees it: what it was told, what it answered, and what each reader was given. */

import { step } from "../../src/machine/machine.js";
import { type Connection, type Effect, type Input, initial, type News, type State } from "../../src/machine/state.js";
import { decodeServer, encodeClient } from "../../src/protocol/codec.js";
import type { ClientFrame, Feed, Gap, Positions, ServerFrame } from "../../src/protocol/frames.js";
import type { Start } from "../../src/stream/reader.js";

export class Page {
  state: State = initial();
  now = 0;
  chance = 0.5;
  isOnline = true;
  /** What the machine wanted done, in order. */
  effects: Effect[] = [];
  readonly news = new Map<string, News[]>();

  tell(input: Input): readonly Effect[] {
    const { now, chance, isOnline } = this;
    const { state, effects } = step(this.state, input, { now, chance, isOnline });
    this.state = state;
    this.effects.push(...effects);
    for (const effect of effects)
      if (effect.kind === "tell") for (const id of effect.readers) this.newsOf(id).push(...effect.news);
    return effects;
  }

  follow(id: string, feed: Feed, start: Start = {}): void {
    this.tell({ kind: "follow", id, feed, ...start });
  }

  unfollow(id: string): void {
    this.tell({ kind: "unfollow", id });
  }

  settle(): void {
    this.tell({ kind: "settle" });
  }

  /** All of these in one message. */
  receive(...frames: readonly (string | ServerFrame)[]): void {
    const read = frames.map((frame) => (typeof frame === "string" ? decodeServer(frame) : frame));
    this.tell({ kind: "received", frames: read });
  }

  lose(code = 1006, reason = ""): void {
    this.tell({ kind: "lost", code, reason });
  }

  /** Let time pass, and tell the machine when it wanted to know. */
  pass(milliseconds: number): void {
    const end = this.now + milliseconds;
    while (this.state.due <= end) {
      this.now = Math.max(this.now, this.state.due);
      this.tell({ kind: "ticked" });
    }
    this.now = end;
  }

  /** Be connected and greeted, after these positions. */
  greet(lastSeq: Positions, topics: readonly Feed[] = Object.keys(lastSeq)): void {
    this.receive(greeting(lastSeq, topics));
  }

  get connection(): Connection {
    return this.state.connection;
  }

  newsOf(id: string): News[] {
    const news = this.news.get(id) ?? [];
    this.news.set(id, news);
    return news;
  }

  /** The sequences that a reader was given. */
  seen(id: string): number[] {
    return this.newsOf(id).flatMap((news) => (news.kind === "event" ? [news.sequence] : []));
  }

  gaps(id: string): Gap[] {
    return this.newsOf(id).flatMap((news) => (news.kind === "gap" ? [news] : []));
  }

  /** What was sent since this was last asked, as text. */
  sent(): string[] {
    const frames = this.effects.flatMap((effect): ClientFrame[] => (effect.kind === "send" ? [effect.frame] : []));
    this.effects = this.effects.filter((effect) => effect.kind !== "send");
    return frames.filter((frame) => frame.kind !== "ping").map(encodeClient);
  }

  /** The newest request for a connection. */
  get opened(): Extract<Effect, { kind: "open" }> {
    const opened = this.effects.filter((effect) => effect.kind === "open").at(-1);
    if (!opened) throw new Error("it never connected");
    return opened;
  }

  get cursor(): Positions {
    return Object.fromEntries(
      [...this.state.lines.values()].flatMap(({ feed, at }) => (at === undefined ? [] : [[feed, at]])),
    );
  }
}

export const greeting = (lastSeq: Positions, topics: readonly Feed[] = Object.keys(lastSeq)): ServerFrame => ({
  kind: "connected",
  connectionId: "c1",
  topics,
  protocol: 1,
  pingInterval: 20,
  pongTimeout: 30,
  lastSeq,
});

export const event = (topic: string, sequence: number, key?: string): ServerFrame => ({
  kind: "event",
  topic,
  name: "happened",
  data: {},
  sequence,
  ...(key !== undefined && { key }),
});

export const subscribed = (feed: Feed, sequence: number, replayed = 0): ServerFrame => ({
  kind: "subscribed",
  feed,
  sequence,
  replayed,
});

/** A page that follows this live, with one reader `a`. */
export function livePage(feed: Feed, at: number): Page {
  const page = new Page();
  page.follow("a", feed);
  page.settle();
  page.greet({ [feed]: at });
  page.receive(subscribed(feed, at));
  page.sent();
  return page;
}
