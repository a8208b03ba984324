/** Something that changes often and is drawn seldom: everything is taken in at once, only the drawing waits. */

import { useSyncExternalStore } from "react";

/** Calm for the eye, and soon enough for whoever waits for it. */
const DRAWN_MS = 80;

export interface Store<Shown> {
  /** The same object until something is to be drawn anew. */
  get(): Shown;
  subscribe(listener: () => void): () => void;
  /** What it is made of has changed. */
  changed(): void;
}

/** A store whose snapshot is made when it is drawn, and only if somebody looks. */
export function makeStore<Shown>(show: () => Shown): Store<Shown> {
  const listeners = new Set<() => void>();
  let shown: Shown | undefined;
  let isStale = true;
  let _timer: ReturnType<typeof setTimeout> | undefined;

  function draw(): void {
    _timer = undefined;
    isStale = true;
    for (const listener of listeners) listener();
  }

  return {
    get() {
      if (isStale || shown === undefined) shown = show();
      isStale = false;
      return shown;
    },
    subscribe(listener) {
      listeners.add(listener);
      // What happened while nobody looked.
      isStale = true;
      return () => listeners.delete(listener);
    },
    changed() {
      if (listeners.size === 0) isStale = true;
      else _timer ??= setTimeout(draw, DRAWN_MS);
    },
  };
}

export const useStore = <Shown>(store: Store<Shown>): Shown => useSyncExternalStore(store.subscribe, store.get);
