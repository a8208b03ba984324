/** What the compiler must refuse, and what it must know. Nothing here is ever run. */

import type { Client, PulseEvent, SocketLike, World } from "pulse-radar";
import {
  bindQueryClient,
  type Job,
  type JobState,
  type QueryClientLike,
  useEvent,
  useKeyed,
  useTopic,
} from "pulse-radar/react";
import type { Events } from "./events.js";

declare const client: Client;

export const stateOf = (job: Job): JobState => job.state;
export const socketOf = (world: World): SocketLike => new world.WebSocket("/ws", []);

export function events(): void {
  client.on("knowledge", "atom_created", ({ data }) => data.title.toUpperCase());
  // @ts-expect-error: there is no such topic
  client.on("knowlege", "atom_created", () => {});
  // @ts-expect-error: there is no such event
  client.on("knowledge", "atom_made", () => {});
  // @ts-expect-error: that event is another topic's
  client.on("metrics", "atom_created", () => {});
  // @ts-expect-error: there is no such field
  client.on("knowledge", "atom_created", ({ data }) => data.titel);
  // @ts-expect-error: it is a number
  client.on("metrics", "load", ({ data }) => data.length);
}

export function told(): void {
  client.topic("knowledge", { key: "a1", after: 142 }).subscribe((told) => {
    if (told.kind === "gap") return told.reason satisfies "expired" | "reset" | "unreadable" | "missing";
    if (told.kind !== "event") return told.kind satisfies "snapshot" | "subscribed" | "error";
    if (told.name === "atom_renamed") return told.data.before satisfies string;
    // @ts-expect-error: what is new had no other title before
    return told.data.before;
  });
  // @ts-expect-error: there is no such option
  client.topic("knowledge", { since: 142 });
}

export function Hooks(): void {
  useEvent("knowledge", "atom_renamed", ({ data }) => data.id);
  // @ts-expect-error: there is no such event
  useEvent("knowledge", "atom_made", () => {});
  useKeyed("metrics") satisfies ReadonlyMap<string, PulseEvent<"metrics", "load", number>>;
  useTopic("metrics", (sum, action) => (action.kind === "event" ? sum + action.data : sum), 0) satisfies number;
  // @ts-expect-error: there is no such topic
  useTopic("metric", (sum: number) => sum, 0);
}

export function queries(queryClient: QueryClientLike): void {
  bindQueryClient(client, queryClient, { knowledge: (told) => [["atoms", told.kind === "event" ? told.data.id : ""]] });
  // @ts-expect-error: there is no such topic
  bindQueryClient(client, queryClient, { knowlege: () => [["atoms"]] });
}

export const own = (other: Client<{ news: { posted: string } }>, ours: Client<Events>): void => {
  other.on("news", "posted", ({ data }) => data.length);
  // @ts-expect-error: that is a topic of the other one
  ours.on("news", "posted", () => {});
};
