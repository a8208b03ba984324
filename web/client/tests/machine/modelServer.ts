/** A server as a model: one topic of a log, its keys, what is kept; and a link on which frames travel, and may get lost. */

import type { ClientFrame, Feed, Positions, ServerFrame } from "../../src/protocol/frames.js";
import { feedOf } from "../../src/protocol/grammar.js";
import { event, greeting, subscribed } from "./page.js";

export const TOPIC = "knowledge";

/** What a link needs to know of a server. */
export interface Server {
  readonly stateTopics: readonly string[];
  readonly last: number;
  /** Where a subscription begins; undefined: with a snapshot. */
  begin(feed: Feed, after: number | undefined): number | undefined;
  newest(count: number): number | undefined;
  /** Whether this process is not that far yet, though the stream is. */
  isBehind(position: number | undefined): boolean;
  /** What comes after a position of a feed, as frames; the position afterwards is `last`. */
  after(feed: Feed, position: number | undefined): ServerFrame[];
}

/** What is stored: the key of each event, or that it is no event. */
type Stored = { key: string | undefined } | "unreadable";

/** Sequences begin anywhere but at the first. */
export const ORIGIN = 1_000_000;

/** Far more than a story publishes. */
const FAR = 10_000;

export class ModelServer implements Server {
  readonly stateTopics: readonly string[] = [];
  /** Everything ever published, by its number. */
  readonly published = new Map<number, string | undefined>();
  /** Whether anything was ever lost, so that gaps are allowed at all. */
  hasLost = false;
  private kept = new Map<number, Stored>();
  private origin = ORIGIN;
  private next = ORIGIN;
  /** By how many events the process that is connected to is behind the stream. */
  private lag = 0;
  /** Where each stream began, oldest first. */
  private readonly origins = [ORIGIN];

  publish(key: string | undefined): number {
    this.kept.set(this.next, { key });
    this.published.set(this.next, key);
    return this.next++;
  }

  publishGarbage(): number {
    this.hasLost = true;
    this.kept.set(this.next, "unreadable");
    return this.next++;
  }

  expire(count: number): void {
    for (const sequence of [...this.kept.keys()].slice(0, Math.min(count, this.kept.size - this.lag))) {
      this.kept.delete(sequence);
      this.hasLost = true;
    }
  }

  /** The next connection is to a process that is so far behind. */
  fallBehind(count: number): void {
    this.lag = Math.min(count, this.kept.size);
  }

  catchUp(): void {
    this.lag = 0;
  }

  isBehind(position: number): boolean {
    return this.last < position && position < this.next;
  }

  /** The stream is lost, and made anew: above every number ever given, or below all of them. */
  recreate(isAbove: boolean): void {
    this.hasLost = true;
    this.lag = 0;
    this.kept.clear();
    this.next = isAbove ? Math.max(...this.origins) + FAR : Math.min(...this.origins) - FAR;
    this.origin = this.next;
    this.origins.push(this.origin);
  }

  /** How many streams there were before the one that gave out this position. */
  streamOf(position: number): number {
    return this.origins.findIndex((origin) => origin - 1 <= position && position < origin - 1 + FAR);
  }

  get last(): number {
    return this.next - 1 - this.lag;
  }

  /** The position before the oldest that is kept. */
  get before(): number {
    return this.next - this.kept.size - 1;
  }

  begin(_feed: Feed, after: number | undefined): number {
    return after ?? this.last;
  }

  newest(count: number): number {
    return Math.max(this.before, this.last - count);
  }

  after(feed: Feed, position: number): ServerFrame[] {
    const frames: ServerFrame[] = [];
    const first = this.before + 1;
    let at = position;
    const isForeign = at !== 0 && (at > this.last || at < this.origin - 1);
    if (isForeign) frames.push({ kind: "gap", feed, from: null, to: first - 1, reason: "reset" });
    else if (at !== 0 && at < first - 1)
      frames.push({ kind: "gap", feed, from: at + 1, to: first - 1, reason: "expired" });
    if (isForeign || at < first - 1) at = first - 1;
    for (let sequence = at + 1; sequence <= this.last; sequence++) frames.push(...this.frame(feed, sequence));
    return frames;
  }

  /** What is stored at a number, as those who follow a feed are told of it. */
  frame(feed: Feed, sequence: number): ServerFrame[] {
    const stored = this.kept.get(sequence);
    if (stored === undefined) throw new Error(`${sequence} is not kept`);
    if (stored === "unreadable") return [{ kind: "gap", feed, from: sequence, to: sequence, reason: "unreadable" }];
    const isWanted = feed === TOPIC || feed === feedOf(TOPIC, stored.key);
    return isWanted ? [event(TOPIC, sequence, stored.key)] : [];
  }
}

/** A state topic: of each key the newest event counts; deletions are remembered for a while. */
export class StateServer implements Server {
  readonly stateTopics = [TOPIC];
  last = ORIGIN;
  /** The newest number and whether the key exists, of each key ever published. */
  private readonly keys = new Map<string, { sequence: number; isDeleted: boolean }>();
  private forgotten = 0;

  publish(key: string): void {
    this.keys.set(key, { sequence: ++this.last, isDeleted: false });
  }

  delete(key: string): void {
    if (this.keys.has(key)) this.keys.set(key, { sequence: ++this.last, isDeleted: true });
  }

  /** From now on nobody can prove which keys were deleted before. */
  forgetDeletions(): void {
    this.forgotten = this.last;
    for (const [key, { isDeleted }] of this.keys) if (isDeleted) this.keys.delete(key);
  }

  /** What holds now: the newest number of each key. */
  get state(): Map<string, number> {
    const present = [...this.keys].filter(([, { isDeleted }]) => !isDeleted);
    return new Map(present.map(([key, { sequence }]) => [key, sequence]));
  }

  begin(_feed: Feed, after: number | undefined): number | undefined {
    return after && after >= this.forgotten && after <= this.last ? after : undefined;
  }

  after(feed: Feed, position: number | undefined): ServerFrame[] {
    const isWhole = position === undefined;
    const events = [...this.keys]
      .filter(([key, { sequence, isDeleted }]) => {
        const isWanted = feed === TOPIC || feed === feedOf(TOPIC, key);
        return isWanted && (isWhole ? !isDeleted : sequence > position);
      })
      .sort(([, a], [, b]) => a.sequence - b.sequence)
      .map(([key, { sequence, isDeleted }]) => ({
        ...event(TOPIC, sequence, key),
        ...(isDeleted && { deleted: true }),
      }));
    return isWhole ? [{ kind: "snapshot", feed }, ...events] : events;
  }

  newest(): undefined {
    return undefined;
  }

  isBehind(): boolean {
    return false;
  }
}

/** One connection: the server's side of it, and what is on its way in either direction. */
export class Link {
  readonly toClient: ServerFrame[] = [];
  readonly toServer: ClientFrame[] = [];
  private readonly followed = new Map<Feed, number>();
  /** Feeds asked for behind a position that this process has not reached. */
  private readonly waiting = new Map<Feed, number | undefined>();
  private readonly server: Server;

  constructor(server: Server, feeds: readonly Feed[], cursor: Positions, newest: Positions) {
    this.server = server;
    const begins = feeds.map((feed) => {
      const [after, last] = [cursor[feed] ?? cursor[TOPIC], newest[feed]];
      // Of the newest events the first is the first to say where they begin.
      const isNamed = after !== undefined || last === undefined;
      return { feed, isNamed, at: isNamed ? server.begin(feed, after) : server.newest(last) };
    });
    const named = begins.filter(({ at, isNamed }) => isNamed && at !== undefined);
    const lastSeq = Object.fromEntries(named.map(({ feed, at }) => [feed, at])) as Positions;
    this.toClient.push({ ...greeting(lastSeq, feeds), state: server.stateTopics } as ServerFrame);
    for (const { feed, at } of begins) this.catchUp(feed, at);
  }

  /** The server takes up the oldest frame that is on its way to it. */
  heed(): void {
    // Whoever is live has been served what this process knows before it heeds anybody.
    this.live();
    const frame = this.toServer.shift();
    if (frame?.kind === "ping") this.toClient.push({ kind: "pong" });
    else if (frame?.kind === "unsubscribe") {
      this.followed.delete(frame.feed);
      this.waiting.delete(frame.feed);
      this.toClient.push({ kind: "unsubscribed", feed: frame.feed });
    } else if (frame?.kind === "subscribe") this.subscribe(frame.feed, frame.after, frame.last);
  }

  /** Serve what was published since. */
  live(): void {
    for (const [feed, position] of [...this.waiting]) this.catchUp(feed, position);
    for (const [feed, position] of this.followed) {
      const after = this.server.begin(feed, position);
      // Who was not served before deletions were forgotten begins anew.
      if (after === undefined) this.catchUp(feed, after);
      else this.toClient.push(...this.server.after(feed, after));
      this.followed.set(feed, this.server.last);
    }
  }

  /** A ping, which keeps quiet keys young. */
  ping(): void {
    this.live();
    const quiet = [...this.followed].filter(([feed]) => feed !== TOPIC);
    this.toClient.push({ kind: "ping", lastSeq: Object.fromEntries(quiet) });
  }

  private subscribe(feed: Feed, after: number | undefined, last: number | undefined): void {
    const covering = [...this.followed.keys(), ...this.waiting.keys()].find(
      (each) => each !== feed && (each === TOPIC || feed === TOPIC),
    );
    if (covering !== undefined) throw new Error(`'${feed}' and '${covering}' share a connection`);
    this.catchUp(feed, last === undefined ? this.server.begin(feed, after) : this.server.newest(last));
  }

  private catchUp(feed: Feed, position: number | undefined): void {
    this.waiting.delete(feed);
    if (this.server.isBehind(position)) {
      this.waiting.set(feed, position);
      return;
    }
    const replay = this.server.after(feed, position);
    this.toClient.push(...replay, subscribed(feed, this.server.last, replay.length));
    this.followed.set(feed, this.server.last);
  }
}
