/** A Pulse Radar server in memory, on the real wire: publish, and see what your page makes of it. Cut it off, too. */

import type { EventSourceLike, SocketLike } from "../client/world.js";
import { decodeClient, encodeServer } from "../protocol/codec.js";
import { parseCursor, parseTopics, positionOf } from "../protocol/cursor.js";
import type { ClientFrame, Feed, Positions, PulseEvent, ServerFrame, Unknown } from "../protocol/frames.js";
import { partsOf } from "../protocol/grammar.js";
import { covers } from "../stream/reader.js";

/** What to publish beside a topic, a name and data. */
export interface PublishOptions {
  readonly key?: string;
  readonly id?: string;
}

/** How a fake server is made. */
export interface FakeServerOptions {
  /** The log topics that it has. Others are refused. */
  readonly topics?: readonly string[];
  /** The state topics that it has: of each key the newest event counts. */
  readonly state?: readonly string[];
}

interface Topic {
  readonly isState: boolean;
  /** The newest number given out. */
  last: number;
  kept: PulseEvent[];
}

/** A server for tests: hand {@link FakeServer.world} to `createClient`. */
export class FakeServer {
  /** Whether new connections come about. */
  isUp = true;
  /** Whether WebSockets do, where all else does: a network that breaks them. */
  hasSockets = true;
  /** The addresses that were asked for, oldest first. */
  readonly asked: string[] = [];
  private readonly topics: ReadonlyMap<string, Topic>;
  private readonly sessions = new Set<Session>();

  /** The pieces of a browser that lead to this server. */
  readonly world: {
    readonly WebSocket: new (url: string) => SocketLike;
    readonly EventSource: new (url: string) => EventSourceLike;
    readonly fetch: () => Promise<{ ok: boolean; type: string }>;
    readonly location: { readonly href: string };
  };

  constructor({ topics = [], state = [] }: FakeServerOptions = {}) {
    const make = (isState: boolean) => (name: string) =>
      [name, { isState, last: 1_000, kept: [] as PulseEvent[] }] as const;
    this.topics = new Map([...topics.map(make(false)), ...state.map(make(true))]);
    const server = this;
    this.world = {
      WebSocket: class extends FakeSocket {
        constructor(url: string) {
          super((session) => server.accept(url, session, server.hasSockets));
        }
      },
      EventSource: class extends FakeEventSource {
        constructor(url: string) {
          super((session) => server.accept(url, session, true));
        }
      },
      fetch: async () => {
        if (!server.isUp) throw new TypeError("the server is down");
        return { ok: true, type: "basic" };
      },
      location: { href: "http://localhost/" },
    };
  }

  /** How many are connected. */
  get connections(): number {
    return this.sessions.size;
  }

  /** What is followed on any of the connections: topics and `topic/key`, in the order of the alphabet. */
  get followed(): string[] {
    return [...new Set([...this.sessions].flatMap((session) => [...session.followed]))].sort();
  }

  /** The newest number of a topic: what a request brings together with its rows. */
  position(topic: string): number {
    return this.topicOf(topic).last;
  }

  /** Store an event and send it to whoever follows it; answers its number. */
  publish(topic: string, name: string, data: unknown, options: PublishOptions = {}): number {
    const sequence = ++this.topicOf(topic).last;
    this.store({ kind: "event", topic, name, data, sequence, ...options });
    return sequence;
  }

  /** Delete a key of a state topic. */
  delete(topic: string, key: string): void {
    const sequence = ++this.topicOf(topic).last;
    this.store({ kind: "event", topic, name: "deleted", data: {}, sequence, key, deleted: true });
  }

  /** Forget all but the newest events of a topic, so that whoever comes with an older cursor is told of a gap. */
  expire(topic: string, keep = 0): void {
    const of = this.topicOf(topic);
    of.kept = keep > 0 ? of.kept.slice(-keep) : [];
  }

  /** End all connections with this code; 1006 is a cable pulled. */
  cut(code = 1006, reason = ""): void {
    for (const session of [...this.sessions]) session.end(code, reason);
  }

  /** Be down until `start`. */
  stop(): void {
    this.isUp = false;
    this.cut();
  }

  start(): void {
    this.isUp = true;
  }

  private topicOf(name: string): Topic {
    const topic = this.topics.get(name);
    if (!topic) throw new Error(`the fake server has no topic '${name}': name it in its topics`);
    return topic;
  }

  private store(event: PulseEvent): void {
    const topic = this.topicOf(event.topic);
    if (topic.isState) topic.kept = topic.kept.filter((each) => each.key !== event.key);
    topic.kept.push(event);
    for (const session of this.sessions) session.serve(event);
  }

  private accept(url: string, session: Session, isReachable: boolean): void {
    this.asked.push(url);
    if (!this.isUp || !isReachable) return session.end(1006, "");
    const query = new URL(url).searchParams;
    this.sessions.add(session);
    session.onEnd = () => this.sessions.delete(session);
    session.onFrame = (frame) => this.heed(session, frame);
    const numbers = (name: string) => parseCursor(query.get(name) ?? "").positions;
    this.greet(session, parseTopics(query.get("topics") ?? "").feeds, numbers("lastSeq"), numbers("last"));
  }

  private greet(session: Session, asked: readonly Feed[], cursor: Positions, newest: Positions): void {
    const topics = asked.filter((feed) => this.topics.has(partsOf(feed).topic));
    const state = [...this.topics].filter(([, { isState }]) => isState).map(([name]) => name);
    const starts = topics.map((feed) => {
      const [after, last] = [positionOf(cursor, feed), positionOf(newest, feed)];
      // Of the newest events the first is the first to say where they begin.
      const isNamed = after !== undefined || last === undefined;
      return { feed, at: this.startOf(feed, after, last), isNamed };
    });
    const named = starts.filter(({ at, isNamed }) => isNamed && at !== undefined);
    const lastSeq = Object.fromEntries(named.map(({ feed, at }) => [feed, at])) as Positions;
    const frame = { protocol: 1, pingInterval: 20, pongTimeout: 30, connectionId: `c${this.asked.length}` };
    session.say({ kind: "connected", topics, lastSeq, ...frame, ...(state.length > 0 && { state }) });
    for (const feed of asked) if (!topics.includes(feed)) this.refuse(session, feed);
    for (const { feed, at } of starts) this.replay(session, feed, at);
  }

  /** The position after which a subscription is served; a state topic, of which none is known, begins with everything. */
  private startOf(feed: Feed, after: number | undefined, last: number | undefined): number | undefined {
    const topic = this.topicOf(partsOf(feed).topic);
    if (after !== undefined || topic.isState) return after;
    return last === undefined ? topic.last : this.newest(feed, last);
  }

  private heed(session: Session, frame: ClientFrame | Unknown): void {
    if (frame.kind === "ping") session.say({ kind: "pong", timestampMs: frame.timestampMs });
    else if (frame.kind === "unsubscribe") session.leave(frame.feed);
    else if (frame.kind === "subscribe") {
      if (!this.topics.has(partsOf(frame.feed).topic)) return this.refuse(session, frame.feed);
      this.replay(session, frame.feed, this.startOf(frame.feed, frame.after, frame.last));
    }
  }

  private newest(feed: Feed, count: number): number {
    const all = this.eventsOf(feed);
    const first = all[all.length - count] ?? all[0];
    return count > 0 && first ? first.sequence - 1 : this.topicOf(partsOf(feed).topic).last;
  }

  private eventsOf(feed: Feed): PulseEvent[] {
    const { topic, key } = partsOf(feed);
    return this.topicOf(topic).kept.filter((event) => key === undefined || event.key === key);
  }

  private replay(session: Session, feed: Feed, after: number | undefined): void {
    const topic = this.topicOf(partsOf(feed).topic);
    const events = this.eventsOf(feed).filter(
      ({ sequence, deleted }) => sequence > (after ?? 0) && (after || !deleted),
    );
    const before = (topic.kept[0]?.sequence ?? topic.last + 1) - 1;
    if (topic.isState && !after) session.say({ kind: "snapshot", feed });
    else if (!topic.isState && after && after < before)
      session.say({ kind: "gap", feed, from: after + 1, to: before, reason: "expired" });
    for (const event of events) session.say(event);
    session.follow(feed);
    session.say({ kind: "subscribed", feed, sequence: topic.last, replayed: events.length });
  }

  private refuse(session: Session, feed: Feed): void {
    session.say({ kind: "error", code: "unknown_topic", message: `unknown topic '${feed}'`, topic: feed });
  }
}

/** One connection, as the server sees it. */
class Session {
  onFrame = (_frame: ClientFrame | Unknown): void => {};
  onEnd = (): void => {};
  readonly followed = new Set<Feed>();

  constructor(
    private readonly write: (text: string, kind: ServerFrame["kind"]) => void,
    private readonly close: (code: number, reason: string) => void,
  ) {}

  say(frame: ServerFrame): void {
    this.write(encodeServer(frame), frame.kind);
  }

  serve(event: PulseEvent): void {
    const own = event.key === undefined ? event.topic : `${event.topic}/${event.key}`;
    if ([...this.followed].some((feed) => covers(feed, own))) this.say(event);
  }

  follow(feed: Feed): void {
    this.followed.add(feed);
  }

  leave(feed: Feed): void {
    this.followed.delete(feed);
    this.say({ kind: "unsubscribed", feed });
  }

  end(code: number, reason: string): void {
    this.onEnd();
    this.close(code, reason);
  }
}

/** The page's end of a WebSocket. It opens in a moment, as real ones do. */
class FakeSocket implements SocketLike {
  onmessage: SocketLike["onmessage"] = null;
  onclose: SocketLike["onclose"] = null;
  private readonly session = new Session(
    (text) => this.onmessage?.({ data: text }),
    (code, reason) => this.onclose?.({ code, reason }),
  );

  constructor(accept: (session: Session) => void) {
    queueMicrotask(() => accept(this.session));
  }

  send(text: string): void {
    this.session.onFrame(decodeClient(text));
  }

  close(): void {
    this.session.onEnd();
  }
}

const EVENT_NAMES: Partial<Record<ServerFrame["kind"], string>> = {
  event: "message",
  connected: "connection",
  subscribed: "subscription",
};

/** The page's end of a stream of server-sent events. */
class FakeEventSource implements EventSourceLike {
  private readonly listeners = new Map<string, (event: { data?: unknown }) => void>();
  private readonly session = new Session(
    (data, kind) => this.listeners.get(EVENT_NAMES[kind] ?? kind)?.({ data }),
    (code, reason) => {
      if (code === 1006) this.listeners.get("error")?.({});
      else this.listeners.get("close")?.({ data: JSON.stringify({ type: "close", data: { code, reason } }) });
    },
  );

  constructor(accept: (session: Session) => void) {
    queueMicrotask(() => accept(this.session));
  }

  addEventListener(name: string, listener: (event: { data?: unknown }) => void): void {
    this.listeners.set(name, listener);
  }

  close(): void {
    this.session.onEnd();
  }
}
