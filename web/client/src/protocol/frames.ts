/** The frames of wire version 1 as values: what a server says and what a client says. */

/**
 * What a subscription follows, as text: a whole topic, `monitoring`, or one key of it, `monitoring/3f9c`.
 */
export type Feed = string;

/** The last sequence of each feed. */
export type Positions = Readonly<Record<Feed, number>>;

/** One published fact, at its place in its topic. */
export interface PulseEvent<Topic extends string = string, Name extends string = string, Data = unknown> {
  readonly kind: "event";
  readonly topic: Topic;
  readonly name: Name;
  readonly data: Data;
  /** Its place in the topic: +1 each, never going back. */
  readonly sequence: number;
  /** What it is about inside its topic. */
  readonly key?: string | undefined;
  /** Unique; the same however often it was sent. */
  readonly id?: string | undefined;
  /** When it was published, in milliseconds since 1970. */
  readonly timestampMs?: number | undefined;
  /** In a state topic: its key exists no longer. */
  readonly deleted?: boolean | undefined;
  /** The trace in which it was published (W3C Trace Context), where the server shows it. */
  readonly traceparent?: string | undefined;
}

/**
 * Why events are missing: no longer kept, the stream was made anew, or stored there is something that is no event.
 * `missing` is what the client found out by itself: a hole that nobody explained and a resume did not fill.
 */
export type GapReason = "expired" | "reset" | "unreadable" | "missing";

/** The events `from` to `to`, both inclusive, will not come. After a `reset` all that was known is void. */
export interface Gap {
  readonly kind: "gap";
  readonly feed: Feed;
  readonly from: number | null;
  readonly to: number;
  readonly reason: GapReason;
}

/** Forget all that is known of this state topic: the whole state follows, until it is live. */
export interface Snapshot {
  readonly kind: "snapshot";
  readonly feed: Feed;
}

/** The feed has caught up with `sequence`, after `replayed` events: what follows is live. */
export interface Subscribed {
  readonly kind: "subscribed";
  readonly feed: Feed;
  readonly sequence: number;
  readonly replayed: number;
}

/** Something asked for was refused; `topic` is the text that it was asked with. */
export interface Refusal {
  readonly kind: "error";
  readonly code: string;
  readonly message: string;
  readonly topic?: string | undefined;
}

export interface Connected {
  readonly kind: "connected";
  readonly connectionId: string;
  readonly topics: readonly Feed[];
  readonly protocol: number;
  /** Seconds. */
  readonly pingInterval: number;
  /** Seconds. */
  readonly pongTimeout: number;
  readonly lastSeq: Positions;
  /** The topics of this server that are state topics, followed or not. */
  readonly state?: readonly string[] | undefined;
}

export interface Unsubscribed {
  readonly kind: "unsubscribed";
  readonly feed: Feed;
}

export interface AuthAccepted {
  readonly kind: "auth";
  /** Seconds since 1970 by the server's clock, null for never. */
  readonly expiresAt: number | null;
  /** Seconds from now. */
  readonly expiresIn: number | null;
}

export interface Ping {
  readonly kind: "ping";
  readonly timestampMs?: number | undefined;
  /** The cursors of quiet keys, so that they do not age. */
  readonly lastSeq?: Positions | undefined;
}

export interface Pong {
  readonly kind: "pong";
  readonly timestampMs?: number | undefined;
}

/** The last word of a stream of server-sent events, which knows no close code of its own. */
export interface Close {
  readonly kind: "close";
  readonly code: number;
  readonly reason: string;
}

/** A frame of a later version: ignored. */
export interface Unknown {
  readonly kind: "unknown";
}

export type ServerFrame =
  | Connected
  | PulseEvent
  | Subscribed
  | Unsubscribed
  | Gap
  | Snapshot
  | AuthAccepted
  | Refusal
  | Ping
  | Pong
  | Close;

/** Follow a feed: live, after a cursor, or beginning with its `last` newest events. */
export interface Subscribe {
  readonly kind: "subscribe";
  readonly feed: Feed;
  readonly after?: number | undefined;
  readonly last?: number | undefined;
}

export interface Unsubscribe {
  readonly kind: "unsubscribe";
  readonly feed: Feed;
}

export interface Authenticate {
  readonly kind: "auth";
  readonly token: string;
}

export type ClientFrame = Subscribe | Unsubscribe | Authenticate | Ping | Pong;
