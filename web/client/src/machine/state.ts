/** What the machine knows, what it is told and what it answers. */

import type {
  ClientFrame,
  Feed,
  Gap,
  Positions,
  PulseEvent,
  Refusal,
  ServerFrame,
  Snapshot,
  Subscribed,
  Unknown,
} from "../protocol/frames.js";
import type { Line } from "../stream/line.js";
import type { Reader, Start } from "../stream/reader.js";

/** The life of the connection. Units: milliseconds of the clock that the client was given. */
export type Connection =
  /** Nobody follows anything. */
  | { readonly status: "idle" }
  /** On its way, until the server has greeted. */
  | { readonly status: "connecting"; readonly attempt: number }
  | {
      readonly status: "open";
      readonly connectionId: string;
      readonly since: number;
      /** It took up where the last one ended and nothing was missed; undefined before it has caught up. A later gap makes it false. */
      readonly recovered: boolean | undefined;
      /** The last round trip that was measured. */
      readonly latencyMs?: number;
    }
  /** Between two attempts, until then; for ever while the browser says that it is offline. */
  | {
      readonly status: "waiting";
      readonly attempt: number;
      readonly until: number;
      readonly code: number;
      readonly reason: string;
    }
  /** It was meant, or the same would happen again: it stays so until `connect` is called. */
  | { readonly status: "closed"; readonly code: number; readonly reason: string };

/** WebSocket, or server-sent events where a network breaks WebSockets. */
export type Carrier = "socket" | "events";

export interface State {
  readonly connection: Connection;
  readonly carrier: Carrier;
  readonly readers: ReadonlyMap<string, Reader>;
  readonly lines: ReadonlyMap<Feed, Line>;
  /** Left on this connection, and not confirmed yet: what comes of them until then is of before. */
  readonly leaving: readonly Feed[];
  /** The topics of which only the newest event of each key counts, as the server last named them. */
  readonly stateTopics: readonly string[];
  /** Attempts since a connection last held. */
  readonly attempt: number;
  /** WebSockets that did not open though an ordinary request went through, since a connection last opened. */
  readonly failedOpens: number;
  /** How long the server may be silent: milliseconds. */
  readonly patience: number;
  /** When the machine next wants to know what time it is. */
  readonly due: number;
}

/** What time it is, what chance says, and whether the browser believes that there is a network. */
export interface Moment {
  /** Milliseconds, never going back. */
  readonly now: number;
  /** In [0, 1). */
  readonly chance: number;
  readonly isOnline: boolean;
}

export type Input =
  /**
   * Somebody in the page follows a feed; `at`: so far another connection served it; `isState`: which said that it is of a
   * state topic. Takes effect with the next `settle`.
   */
  | ({
      readonly kind: "follow";
      readonly id: string;
      readonly feed: Feed;
      readonly at?: number | undefined;
      readonly isState?: boolean | undefined;
    } & Start)
  /** A reader goes, or all whose ids begin with this and a colon. */
  | { readonly kind: "unfollow"; readonly id: string }
  /** All that changed in this turn of the page has been said. */
  | { readonly kind: "settle" }
  /** What came in one message. */
  | { readonly kind: "received"; readonly frames: readonly (ServerFrame | Unknown)[] }
  | { readonly kind: "lost"; readonly code: number; readonly reason: string }
  | { readonly kind: "ticked" }
  /** The page came back: from sleep, from the background, from offline. */
  | { readonly kind: "woke" }
  /** An ordinary request reached the server. */
  | { readonly kind: "reached" }
  | { readonly kind: "connect" }
  | { readonly kind: "close" };

/** What readers are told. */
export type News = PulseEvent | Gap | Snapshot | Subscribed | Refusal;

export type Effect =
  | {
      readonly kind: "open";
      readonly carrier: Carrier;
      readonly feeds: readonly Feed[];
      readonly cursor: Positions;
      /** So many of the newest events of these are asked for, of which there is no position. */
      readonly newest: Positions;
      /** The credentials of before have run out. */
      readonly isFresh: boolean;
    }
  | { readonly kind: "send"; readonly frame: ClientFrame }
  /** End the connection, or the attempt; nothing that still comes of it matters. */
  | { readonly kind: "drop" }
  /** Find out whether ordinary requests reach the server. */
  | { readonly kind: "probe" }
  /** In this order, to each of them. */
  | { readonly kind: "tell"; readonly readers: readonly string[]; readonly news: readonly News[] };

/** One turn of the machine: a state in the making, and what is to be done. Made and used up within `step`. */
export type Turn = { -readonly [Field in keyof State]: State[Field] } & Moment & {
    readers: ReadonlyMap<string, Reader>;
    readonly lines: Map<Feed, Line>;
    readonly effects: Effect[];
  };

/** Later than any time. */
export const NEVER = Number.POSITIVE_INFINITY;

export const initial = (): State => ({
  connection: { status: "idle" },
  carrier: "socket",
  readers: new Map(),
  lines: new Map(),
  leaving: [],
  stateTopics: [],
  attempt: 0,
  failedOpens: 0,
  patience: 0,
  due: NEVER,
});
