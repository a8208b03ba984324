/** Events make the queries of TanStack Query stale. */

import type { Client, EventTypes, Happening, RegisteredEvents, Stop, TopicOf } from "../index.js";
import { onFrame } from "./fold.js";

type Name = TopicOf<RegisteredEvents>;
type QueryKey = readonly unknown[];
type Binding = (happening: Happening<EventTypes, string>) => readonly QueryKey[];

/** What we need of a QueryClient. */
export interface QueryClientLike {
  invalidateQueries(filters: { queryKey: QueryKey }): unknown;
}

/** Of each topic: which queries are stale after what happened. A gap or a snapshot means that anything may be. */
export type Bindings = { readonly [T in Name]?: (happening: Happening<RegisteredEvents, T>) => readonly QueryKey[] };

/**
 * Invalidate queries as events come, each at most once a frame, however many do. Answers how to stop.
 *
 * @example
 * bindQueryClient(client, queryClient, { knowledge: () => [["atoms"]] });
 */
export function bindQueryClient(client: Client<RegisteredEvents>, queries: QueryClientLike, bindings: Bindings): Stop {
  const stale = new Map<string, QueryKey>();
  function invalidate(keys: readonly QueryKey[]): void {
    if (stale.size === 0 && keys.length > 0)
      onFrame(() => {
        const due = [...stale.values()];
        stale.clear();
        for (const queryKey of due) queries.invalidateQueries({ queryKey });
      });
    for (const key of keys) stale.set(JSON.stringify(key), key);
  }
  // Any events: the union of all topics' is more than TypeScript follows where there are many.
  const any = client as unknown as Client<EventTypes>;
  const stops = Object.entries(bindings as Record<string, Binding>).map(([topic, keysOf]) =>
    any.topic(topic).subscribe((told) => {
      if (told.kind !== "subscribed" && told.kind !== "error") invalidate(keysOf(told));
    }),
  );
  return () => {
    for (const stop of stops) stop();
  };
}
