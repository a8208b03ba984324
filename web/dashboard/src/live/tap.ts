/** The newest events of all topics, as they come. */

import type { Client, PulseEvent } from "pulse-radar";
import type { Events } from "../events.js";
import { follow } from "./follow.js";
import { makeStore, type Store } from "./store.js";
import type { Watched } from "./topics.js";

/** So many are kept: enough to scroll through, little enough to filter at each keystroke. */
export const KEPT = 2_000;

export interface Tapped {
  /** Numbered as they came. */
  readonly number: number;
  /** When it came here, in milliseconds since 1970. */
  readonly at: number;
  readonly event: PulseEvent;
}

/** The newest first. */
export interface Tap extends Store<readonly Tapped[]> {
  clear(): void;
}

export function makeTap(client: Client<Events>, topics: readonly Watched[]): Tap {
  let kept: Tapped[] = [];
  let number = 0;
  const store = makeStore<readonly Tapped[]>(() => kept.slice(-KEPT).reverse());
  for (const topic of topics)
    follow(client, topic, (told) => {
      if (told.kind !== "event") return;
      number += 1;
      kept.push({ number, at: Date.now(), event: told });
      // Now and then, so that it costs next to nothing.
      if (kept.length > 2 * KEPT) kept = kept.slice(-KEPT);
      store.changed();
    });
  return {
    ...store,
    clear() {
      kept = [];
      store.changed();
    },
  };
}
