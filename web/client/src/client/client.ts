/** The client that an application uses: one connection, however many components follow whatever topics. */

import type { Connection, News } from "../machine/state.js";
import { sequenceOf } from "../protocol/cursor.js";
import type { Feed, Gap, Positions, PulseEvent, Refusal } from "../protocol/frames.js";
import { feedOf, isSequence } from "../protocol/grammar.js";
import type { Start } from "../stream/reader.js";
import type { Server } from "./link.js";
import { place, type Readers, tellReaders } from "./readers.js";
import { makeStation, type Outlet, type Station } from "./station.js";
import { joinTabs } from "./tabs.js";
import type { NameOf, RegisteredEvents, Told, TopicOf } from "./types.js";
import { attempt, listen, using, type World } from "./world.js";

/** Ends what was begun; to call it twice does no harm. */
export type Stop = () => void;

/** How a client is made. */
export interface ClientOptions<Events = RegisteredEvents> {
  /** The address of the WebSocket, as `/ws` or `https://example.org/live/ws`. Server-sent events are looked for beside it. */
  readonly url: string;
  /** Followed as long as the client lives, so that pages which come and go find them there. */
  readonly topics?: readonly TopicOf<Events>[];
  /** Asked for a token before each attempt; `isFresh`: the one before has run out. Throw, and it tries again later. */
  readonly getToken?: Server["getToken"];
  /**
   * One connection for all tabs that name the same scope: the id of the person, so that accounts never mix.
   * Where the browser lacks what it takes, each tab has its own.
   */
  readonly shared?: string;
  /** Remember in this tab's session how far it is, so that a reload resumes. Default: false. */
  readonly resume?: boolean;
  /** Something will not come: what the page shows may be incomplete, so load it afresh. */
  readonly onGap?: (gap: Gap) => void;
  /** Something asked for was refused. Default: a warning on the console. */
  readonly onError?: (refusal: Refusal) => void;
  /** What to use instead of the browser's own: a fake clock, a WebSocket for Node. */
  readonly world?: Partial<World>;
}

/** What to follow of a topic, and from where. */
export interface TopicOptions {
  /** Only events of this key. */
  readonly key?: string | undefined;
  /** Begin after this sequence, or after this position as the server writes it: `knowledge:1703750400000143`. */
  readonly after?: number | string | undefined;
  /** Begin with so many of the newest events. */
  readonly last?: number | undefined;
}

/** A topic, or one key of it, to be followed. */
export interface Topic<Events, Name extends TopicOf<Events>> {
  /** Be told of each event of this name. */
  on<E extends NameOf<Events, Name>>(name: E, take: (event: PulseEvent<Name, E, Events[Name][E]>) => void): Stop;
  /** Be told of everything: events, gaps, snapshots, that it is live, that it was refused. */
  subscribe(take: (told: Told<Events, Name>) => void): Stop;
}

/** Made by {@link createClient}. */
export interface Client<Events = RegisteredEvents> {
  /** The life of the connection: the same object until it changes. */
  readonly connection: Connection;
  /** Be told when the connection changes. */
  onConnection(changed: () => void): Stop;
  /** Be told of each event of this name. Follows the topic for as long. */
  on<T extends TopicOf<Events>, E extends NameOf<Events, T>>(
    topic: T,
    name: E,
    take: (event: PulseEvent<T, E, Events[T][E]>) => void,
  ): Stop;
  /**
   * A topic, or one key of it, live; or `after` a position, as for rows that a request brought together with it; or
   * beginning with the `last` newest events. Followed once somebody subscribes, and only once however many do.
   * Throws: TypeError, for an `after` that is no position of this topic, and a `last` that is no number.
   */
  topic<T extends TopicOf<Events>>(topic: T, options?: TopicOptions): Topic<Events, T>;
  /** Connect now: sooner than it would by itself, or again after the server said that it is no use. */
  connect(): void;
  /** Leave for good: nobody is told anything any more. */
  close(): void;
}

/** Under which names the clients of this page remember how far they are: two of one address are two. */
const places = new Set<string>();

/**
 * A client of a Pulse Radar server. Nothing is connected before somebody follows something.
 *
 * @example
 * const client = createClient({ url: "/ws" });
 * const stop = client.on("knowledge", "atom_created", ({ data }) => console.log(data.title));
 */
export function createClient<Events = RegisteredEvents>(options: ClientOptions<Events>): Client<Events> {
  const { url, topics = [], getToken, shared, resume, onGap, onError = warn, world } = options;
  const use = using(world);
  const name = use("Math").random().toString(36).slice(2);
  const readers: Readers = new Map();
  const listeners = new Set<() => void>();
  const ends: Stop[] = [];
  const storageKey = `pulse-radar:${url}`;
  let connection: Connection = { status: "idle" };
  let stored: Positions = {};
  let count = 0;
  let isSettling = false;
  let isClosed = false;

  function change(changed: Connection): void {
    connection = changed;
    for (const listener of listeners) attempt(listener);
  }

  const outlet: Outlet = {
    tell(ids, all) {
      for (const news of all) {
        tellReaders(readers, ids, news);
        if (news.kind === "gap") attempt(() => onGap?.(news));
        else if (news.kind === "error") attempt(() => onError(news));
      }
    },
    changed: change,
  };
  const begin = (to: Outlet) => makeStation({ url, getToken }, use, to);
  const station = shared === undefined ? begin(outlet) : share(shared);

  /** A place among the tabs of this scope, or a connection of its own where tabs cannot talk or take turns. */
  function share(scope: string): Station {
    const locks = use("navigator")?.locks;
    const Channel = use("BroadcastChannel");
    if (!locks || !Channel) return begin(outlet);
    const lock = `${storageKey}:${scope}`;
    return joinTabs(name, lock, new Channel(lock), locks, use, readers, outlet, begin);
  }

  /** When this turn of the page is over, so that components which are mounted twice, or moved, cost nothing. */
  function settle(): void {
    if (isSettling) return;
    isSettling = true;
    queueMicrotask(() => {
      isSettling = false;
      // Only the first readers of a page go on where the page before it was; the client's own come before all of those.
      if (readers.size > topics.length) stored = {};
      station.handle({ kind: "settle" });
    });
  }

  function follow(feed: Feed, given: Start, take: (news: News) => void): Stop {
    const id = `${name}:${count++}`;
    const isGiven = given.after !== undefined || given.last !== undefined;
    const start = isGiven ? given : { after: stored[feed] };
    readers.set(id, { feed, start, take });
    station.handle({ kind: "follow", id, feed, ...start });
    settle();
    return () => {
      if (!readers.delete(id)) return;
      station.handle({ kind: "unfollow", id });
      settle();
    };
  }

  function topic<T extends TopicOf<Events>>(of: T, { key, after, last }: TopicOptions = {}): Topic<Events, T> {
    const feed = feedOf(of, key);
    if (last !== undefined && !isSequence(last)) throw new TypeError(`last: '${last}' is no number of events`);
    const start = { after: after === undefined ? undefined : sequenceOf(feed, after), last };
    const subscribe = (take: (told: Told<Events, T>) => void) =>
      follow(feed, start, (news) => take(news as Told<Events, T>));
    return {
      subscribe,
      on: (wanted, take) =>
        subscribe((told) => {
          if (told.kind === "event" && told.name === wanted) take(told as Parameters<typeof take>[0]);
        }),
    };
  }

  if (resume)
    attempt(() => {
      const storage = use("sessionStorage");
      let key = storageKey;
      while (places.has(key)) key += "+";
      places.add(key);
      stored = JSON.parse(storage?.getItem(key) ?? "{}") as Positions;
      const store = () => storage?.setItem(key, JSON.stringify({ ...stored, ...place(readers, station.positions()) }));
      ends.push(listen(use, "pagehide", store), listen(use, "visibilitychange", store), () => places.delete(key));
    });
  for (const each of topics) follow(each, {}, () => {});

  return {
    get connection() {
      return connection;
    },
    onConnection(changed) {
      // A function of its own, so that one who listens twice is two.
      const listener = () => changed();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    on: (of, wanted, take) => topic(of).on(wanted, take),
    topic,
    connect: () => isClosed || station.handle({ kind: "connect" }),
    close() {
      isClosed = true;
      // In the middle of being told, too.
      readers.clear();
      station.end();
      for (const end of ends) end();
      change({ status: "closed", code: 1000, reason: "closed by the page" });
      listeners.clear();
    },
  };
}

const warn = ({ message }: Refusal): void => console.warn(`pulse-radar: ${message}`);
