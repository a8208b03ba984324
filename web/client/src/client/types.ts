/** The types of events, from topic and name to data: declared once, known everywhere. */

import type { Gap, PulseEvent, Refusal, Snapshot, Subscribed } from "../protocol/frames.js";

/** What may be published: of each topic, of each event's name, the shape of its data. */
export type EventTypes = Record<string, Record<string, unknown>>;

/**
 * Tell the types of your events once, and `createClient` and every hook know them:
 *
 * @example
 * declare module "pulse-radar" {
 *   interface Register {
 *     events: { knowledge: { atom_created: { id: string; title: string } } };
 *   }
 * }
 */
// biome-ignore lint/suspicious/noEmptyInterface: it is there to be filled by whoever uses it
export interface Register {}

/** The events that `Register` names, or any. */
export type RegisteredEvents = Register extends { events: infer Events } ? Events : EventTypes;

/** The topics of these events. */
export type TopicOf<Events> = keyof Events & string;

/** The names of a topic's events. */
export type NameOf<Events, Topic extends TopicOf<Events>> = keyof Events[Topic] & string;

/** Any event of a topic: to compare its `name` is to know its `data`. */
export type EventOf<Events, Topic extends TopicOf<Events>> = {
  [Name in NameOf<Events, Topic>]: PulseEvent<Topic, Name, Events[Topic][Name]>;
}[NameOf<Events, Topic>];

/** What happens on a topic: events, and what a page must know to be true to them. Compare its `kind`. */
export type Happening<Events, Topic extends TopicOf<Events>> = EventOf<Events, Topic> | Gap | Snapshot;

/** Everything that a subscriber is told: what happens, that it is live from now on, and that it was refused. */
export type Told<Events, Topic extends TopicOf<Events>> = Happening<Events, Topic> | Subscribed | Refusal;
