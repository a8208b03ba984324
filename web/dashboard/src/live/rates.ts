/** How many events came on each topic, second by second. */

import type { Client } from "pulse-radar";
import type { Events } from "../events.js";
import { follow } from "./follow.js";
import { makeStore, type Store } from "./store.js";
import type { Watched } from "./topics.js";

/** So many seconds are shown. */
export const SPAN = 120;

export interface Rates {
  /** Ends of the seconds, as seconds since 1970. */
  readonly seconds: readonly number[];
  readonly byTopic: Readonly<Record<Watched, readonly number[]>>;
  /** Of each topic, since the page was opened. */
  readonly totals: Readonly<Record<Watched, number>>;
  /** All topics together, averaged over the last five whole seconds. */
  readonly now: number;
}

export function makeRates(client: Client<Events>, topics: readonly Watched[]): Store<Rates> {
  const empty = () => Array.from({ length: SPAN }, () => 0);
  const counts = new Map(topics.map((topic) => [topic, empty()]));
  const totals = Object.fromEntries(topics.map((topic) => [topic, 0])) as Record<Watched, number>;
  let second = Math.floor(Date.now() / 1_000);
  const store = makeStore<Rates>(() => {
    // The last one is not over yet.
    const recent = [...counts.values()].flatMap((seconds) => seconds.slice(-6, -1));
    return {
      seconds: Array.from({ length: SPAN - 1 }, (_, at) => second - SPAN + at + 1),
      byTopic: Object.fromEntries([...counts].map(([topic, each]) => [topic, each.slice(0, -1)])) as Record<
        Watched,
        number[]
      >,
      totals: { ...totals },
      now: recent.reduce((sum, count) => sum + count, 0) / 5,
    };
  });

  function advance(): void {
    const now = Math.floor(Date.now() / 1_000);
    if (now === second) return;
    for (const each of counts.values())
      for (let passed = Math.min(now - second, SPAN); passed > 0; passed -= 1) {
        each.shift();
        each.push(0);
      }
    second = now;
    store.changed();
  }

  for (const topic of topics) {
    let isLive = false;
    follow(client, topic, (told) => {
      // What was there before this page was is no news.
      if (told.kind === "subscribed") isLive = true;
      if (told.kind !== "event" || !isLive) return;
      advance();
      totals[topic] += 1;
      const each = counts.get(topic);
      if (each) each[SPAN - 1] = (each[SPAN - 1] ?? 0) + 1;
    });
  }
  setInterval(advance, 1_000);
  return store;
}
