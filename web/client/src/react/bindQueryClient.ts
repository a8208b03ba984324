/** Events make the queries of TanStack Query stale. */

import type { Client, EventTypes, Happening, RegisteredEvents, Stop, Subscribed, TopicOf } from "../index.js";
import { onFrame } from "./fold.js";

type Name = TopicOf<RegisteredEvents>;
type QueryKey = readonly unknown[];
type Binding = (happening: Happening<EventTypes, string> | Subscribed) => readonly QueryKey[];

interface QueryLike {
  readonly state: { readonly data: unknown };
  fetch(): Promise<unknown>;
}

/** What we need of a QueryClient. */
export interface QueryClientLike {
  invalidateQueries(filters: { queryKey: QueryKey }): unknown;
  getQueryCache(): { findAll(filters: { queryKey: QueryKey; fetchStatus: "fetching" }): readonly QueryLike[] };
}

/**
 * Of each topic: which queries are stale after what happened. A gap or a snapshot means that anything may be, and so does
 * "subscribed": it is told once, when the topic is live, of what was fetched before.
 */
export type Bindings = {
  readonly [T in Name]?: (happening: Happening<RegisteredEvents, T> | Subscribed) => readonly QueryKey[];
};

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
        for (const queryKey of due) makeStale(queries, queryKey);
      });
    for (const key of keys) stale.set(JSON.stringify(key), key);
  }
  // Any events: the union of all topics' is more than TypeScript follows where there are many.
  const any = client as unknown as Client<EventTypes>;
  const stops = Object.entries(bindings as Record<string, Binding>).map(([topic, keysOf]) => {
    let isLive = false;
    return any.topic(topic).subscribe((told) => {
      if (told.kind === "error" || (told.kind === "subscribed" && isLive)) return;
      isLive ||= told.kind === "subscribed";
      invalidate(keysOf(told));
    });
  });
  return () => {
    for (const stop of stops) stop();
  };
}

function makeStale(queries: QueryClientLike, queryKey: QueryKey): void {
  const fetching = queries.getQueryCache().findAll({ queryKey, fetchStatus: "fetching" });
  // A first fetch is not begun anew by that, and its answer may be older than what happened: it is stale when it comes.
  const first = fetching.filter((query) => query.state.data === undefined);
  queries.invalidateQueries({ queryKey });
  for (const query of first)
    query.fetch().then(
      () => queries.invalidateQueries({ queryKey }),
      // An error is no answer.
      () => {},
    );
}
