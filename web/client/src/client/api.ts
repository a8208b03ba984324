/** What an application sees of a client, and how it asks for one. */

import type { Connection } from "../machine/state.js";
import type { Gap, PulseEvent, Refusal } from "../protocol/frames.js";
import type { Server } from "./link.js";
import type { NameOf, RegisteredEvents, Told, TopicOf } from "./types.js";
import type { World } from "./world.js";

/** Ends what was begun; to call it twice does no harm. */
export type Stop = () => void;

/** How a client is made. What cannot be is a TypeError at once. */
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
   * Throws: TypeError, for what is no topic, no key, no position of it, or no number of events.
   */
  topic<T extends TopicOf<Events>>(topic: T, options?: TopicOptions): Topic<Events, T>;
  /** Connect now: sooner than it would by itself, or again after the server said that it is no use. */
  connect(): void;
  /** Leave for good: nobody is told anything any more. */
  close(): void;
}
