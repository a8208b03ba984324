/** How the connection has been: round trips, interruptions, and what was made good after each. */

import type { Client, Connection, Refusal } from "pulse-radar";
import type { Events } from "../events.js";
import { follow } from "./follow.js";
import { makeStore, type Store } from "./store.js";
import type { Watched } from "./topics.js";

/** An interruption. Units: milliseconds since 1970. */
export interface Outage {
  readonly lostAt: number;
  readonly backAt: number | null;
  /** Events that were sent again, all topics together. */
  readonly replayed: number;
  /** Ranges that will not come. */
  readonly gaps: number;
  /** Every topic has caught up. */
  readonly isOver: boolean;
}

export interface Health {
  readonly connection: Connection;
  readonly received: number;
  readonly reconnects: number;
  readonly replayed: number;
  readonly gaps: number;
  /** The newest first, at most twenty. */
  readonly outages: readonly Outage[];
  /** Round trips in milliseconds, the newest last. */
  readonly trips: readonly number[];
  readonly refusal: Refusal | null;
}

const OUTAGES = 20;
const TRIPS = 60;

/** So often it is asked how long a round trip takes. */
const MEASURED_MS = 10_000;

export function makeHealth(client: Client<Events>, topics: readonly Watched[]): Store<Health> {
  const total = { received: 0, reconnects: 0, replayed: 0, gaps: 0 };
  let outages: Outage[] = [];
  let trips: number[] = [];
  let refusal: Refusal | null = null;
  let before = client.connection;
  let wasOpen = false;
  const behind = new Set<Watched>();
  const store = makeStore<Health>(() => ({ ...total, connection: client.connection, outages, trips, refusal }));

  function amend(change: (outage: Outage) => Partial<Outage>): void {
    const [last, ...rest] = outages;
    if (last) outages = [{ ...last, ...change(last) }, ...rest];
  }

  client.onConnection(() => {
    const now = client.connection;
    if (before.status === "open" && now.status !== "open") {
      for (const topic of topics) behind.add(topic);
      amend(() => ({ isOver: true }));
      outages = [{ lostAt: Date.now(), backAt: null, replayed: 0, gaps: 0, isOver: false }, ...outages].slice(
        0,
        OUTAGES,
      );
    }
    if (now.status === "open" && before.status !== "open") {
      if (wasOpen) total.reconnects += 1;
      wasOpen = true;
      // Where all frames came in one message the topics have caught up before this is told.
      amend(({ backAt }) => ({ backAt: backAt ?? Date.now() }));
    }
    if (now.status === "open" && now.latencyMs !== undefined) trips = [...trips, now.latencyMs].slice(-TRIPS);
    before = now;
    store.changed();
  });

  for (const topic of topics)
    follow(client, topic, (told) => {
      if (told.kind === "event") total.received += 1;
      if (told.kind === "error") refusal = told;
      if (told.kind === "gap") {
        total.gaps += 1;
        amend(({ gaps, isOver }) => (isOver ? {} : { gaps: gaps + 1 }));
      }
      if (told.kind === "subscribed" && behind.delete(topic)) {
        total.replayed += told.replayed;
        amend(({ replayed }) => ({ replayed: replayed + told.replayed, isOver: behind.size === 0 }));
      }
      store.changed();
    });
  // A page that is shown again asks whether the server is still there, which is a round trip.
  setInterval(() => client.connection.status === "open" && dispatchEvent(new Event("pageshow")), MEASURED_MS);
  return store;
}

/** "Replayed 37 events after 4 s offline": what an interruption came to. */
export function inWords({ lostAt, backAt, replayed, gaps, isOver }: Outage): string {
  if (backAt === null) return "Offline: coming back";
  const seconds = (backAt - lostAt) / 1_000;
  const away = `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s offline`;
  if (!isOver) return `Catching up after ${away}`;
  const missed = gaps > 0 ? `, ${gaps} ${gaps === 1 ? "gap" : "gaps"}` : "";
  return `Replayed ${replayed.toLocaleString("en")} ${replayed === 1 ? "event" : "events"} after ${away}${missed}`;
}
