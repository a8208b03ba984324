/** What each process used and did, second by second, since the page was opened. */

import type { Client } from "pulse-radar";
import type { Events, MetricsSampled } from "../events.js";
import { makeStore, type Store } from "./store.js";

/** So many samples of each process are kept. */
const KEPT = 120;

export interface Source {
  readonly now: MetricsSampled;
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
  readonly deliveries: readonly number[];
}

/** By host and process. */
export type Metrics = ReadonlyMap<string, Source>;

export function makeMetrics(client: Client<Events>): Store<Metrics> {
  const sources = new Map<string, Source>();
  const store = makeStore<Metrics>(() => new Map([...sources].sort(([one], [other]) => (one < other ? -1 : 1))));
  const longer = (values: readonly number[] | undefined, value: number) => [...(values ?? []), value].slice(-KEPT);
  client.topic("metrics").subscribe((told) => {
    if (told.kind === "snapshot") sources.clear();
    if (told.kind !== "event") return;
    if (told.name === "metrics_sampled") {
      const now = told.data;
      const before = sources.get(now.source);
      sources.set(now.source, {
        now,
        cpu: longer(before?.cpu, now.process.cpu_percent),
        memory: longer(before?.memory, now.process.memory_bytes),
        deliveries: longer(before?.deliveries, now.layer?.deliveries_per_second ?? 0),
      });
    } else if (told.key !== undefined) sources.delete(told.key);
    store.changed();
  });
  return store;
}
