/**
 * Live events from a Pulse Radar server: every one exactly once, in order, or you are told what you missed.
 *
 * @module pulse-radar
 */

export type { Client, ClientOptions, Stop, Topic, TopicOptions } from "./client/api.js";
export { createClient } from "./client/client.js";
export type {
  EventOf,
  EventTypes,
  Happening,
  NameOf,
  Register,
  RegisteredEvents,
  Told,
  TopicOf,
} from "./client/types.js";
export type { ChannelLike, EventSourceLike, LocksLike, SocketLike, World } from "./client/world.js";
export type { Connection } from "./machine/state.js";
export type { Gap, GapReason, PulseEvent, Refusal, Snapshot, Subscribed } from "./protocol/frames.js";
