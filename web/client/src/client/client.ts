/** The client that an application uses: one connection, however many components follow whatever topics. */

import type { Connection, News } from "../machine/state.js";
import type { Refusal } from "../protocol/frames.js";
import type { Client, ClientOptions, Stop, Topic } from "./api.js";
import { type Memory, remember } from "./memory.js";
import { place, type Readers, tellReaders } from "./readers.js";
import { makeStation, type Outlet, type Station } from "./station.js";
import { joinTabs } from "./tabs.js";
import type { RegisteredEvents, Told, TopicOf } from "./types.js";
import { checkAddress, type Wish, wish } from "./wish.js";
import { attempt, using } from "./world.js";

/**
 * A client of a Pulse Radar server. Nothing is connected before somebody follows something.
 *
 * @example
 * const client = createClient({ url: "/ws" });
 * const stop = client.on("knowledge", "atom_created", ({ data }) => console.log(data.title));
 */
export function createClient<Events = RegisteredEvents>(options: ClientOptions<Events>): Client<Events> {
  const { url, topics = [], shared, resume, world } = options;
  checkAddress(url);
  const use = using(world);
  const name = use("Math").random().toString(36).slice(2);
  const home = `pulse-radar:${url}`;
  const readers: Readers = new Map();
  const connection = watched<Connection>({ status: "idle" });
  const outlet: Outlet = { tell: telling(readers, options), changed: connection.change };
  const begin = (to: Outlet) => makeStation(options, use, to);
  const station =
    shared === undefined ? begin(outlet) : joinTabs(name, `${home}:${shared}`, use, readers, outlet, begin);
  const memory = resume ? remember(use, home, () => place(readers, station.positions())) : undefined;
  const follow = following(name, readers, station, topics.length, memory);
  let isClosed = false;
  for (const each of topics) follow(wish(each), () => {});

  const topic: Client<Events>["topic"] = (of, asked) => topicFor(follow, wish(of, asked));
  return {
    get connection() {
      return connection.now();
    },
    onConnection: connection.watch,
    on: (of, wanted, take) => topic(of).on(wanted, take),
    topic,
    connect: () => isClosed || station.handle({ kind: "connect" }),
    close() {
      isClosed = true;
      // In the middle of being told, too.
      readers.clear();
      station.end();
      memory?.end();
      connection.change({ status: "closed", code: 1000, reason: "closed by the page" });
      connection.end();
    },
  };
}

/** Tells readers what is for them, and the page what is missing or was refused. */
function telling<Events>(readers: Readers, { onGap, onError = warn }: ClientOptions<Events>): Outlet["tell"] {
  return (ids, all) => {
    for (const news of all) {
      tellReaders(readers, ids, news);
      if (news.kind === "gap") attempt(() => onGap?.(news));
      else if (news.kind === "error") attempt(() => onError(news));
    }
  };
}

const warn = ({ message }: Refusal): void => console.warn(`pulse-radar: ${message}`);

/** A value, and who wants to know when it is another one. */
function watched<T>(value: T) {
  const listeners = new Set<() => void>();
  return {
    now: () => value,
    change(next: T): void {
      value = next;
      for (const listener of listeners) attempt(listener);
    },
    watch(changed: () => void): Stop {
      // A function of its own, so that one who listens twice is two.
      const listener = () => changed();
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    end: () => listeners.clear(),
  };
}

type Follow = (wanted: Wish, take: (news: News) => void) => Stop;

/** How readers come and go; `own`: so many of them are the client's. */
function following(name: string, readers: Readers, station: Station, own: number, memory?: Memory): Follow {
  let count = 0;
  let isSettling = false;

  /** When this turn of the page is over, so that components which are mounted twice, or moved, cost nothing. */
  function settle(): void {
    if (isSettling) return;
    isSettling = true;
    queueMicrotask(() => {
      isSettling = false;
      // The client's own come before all of the page's.
      if (readers.size > own) memory?.forget();
      station.handle({ kind: "settle" });
    });
  }

  return ({ feed, after, last }, take) => {
    const id = `${name}:${count++}`;
    const start = { after: after ?? (last === undefined ? memory?.of(feed) : undefined), last };
    readers.set(id, { feed, start, take });
    station.handle({ kind: "follow", id, feed, ...start });
    settle();
    return () => {
      if (!readers.delete(id)) return;
      station.handle({ kind: "unfollow", id });
      settle();
    };
  };
}

function topicFor<Events, T extends TopicOf<Events>>(follow: Follow, wanted: Wish): Topic<Events, T> {
  const subscribe: Topic<Events, T>["subscribe"] = (take) => follow(wanted, (news) => take(news as Told<Events, T>));
  return {
    subscribe,
    on: (name, take) =>
      subscribe((told) => {
        if (told.kind === "event" && told.name === name) take(told as Parameters<typeof take>[0]);
      }),
  };
}
