/** What a component shows of a topic: every event is folded in at once, only the render waits for the frame. */

import { useMemo, useSyncExternalStore } from "react";
import type { Client, Stop, Told, TopicOf, TopicOptions } from "../index.js";
import { useClient } from "./provider.js";

/** How a topic becomes what is shown. */
export interface Folding<Events, T extends TopicOf<Events>, Shown> {
  /** Before anything happened, and on a server. */
  readonly initial: Shown;
  fold(told: Told<Events, T>): void;
  /** What is to be shown now; the same object as long as nothing changed. */
  show(): Shown;
}

/** A hidden page has no frames, but goes on. */
const HIDDEN_MS = 250;

/** Do it with the next frame; soon, where no frame comes. */
export function onFrame(act: () => void): void {
  let isDone = false;
  const once = () => {
    if (!isDone) act();
    isDone = true;
  };
  if (typeof requestAnimationFrame === "function") requestAnimationFrame(once);
  setTimeout(once, HIDDEN_MS);
}

/** What a topic, or one key of it, becomes by this folding; made anew with another topic or key. */
export function useFold<Events, T extends TopicOf<Events>, Shown>(
  topic: T,
  options: TopicOptions,
  make: () => Folding<Events, T, Shown>,
): Shown {
  // The cast: what is registered are the page's own topics, and a job's is none of them.
  const client = useClient() as Client<unknown> as Client<Events>;
  const { key } = options;
  // biome-ignore lint/correctness/useExhaustiveDependencies: where it begins matters at the beginning only
  const store = useMemo(() => makeStore(client, topic, options, make()), [client, topic, key]);
  return useSyncExternalStore(store.subscribe, store.shown, store.initial);
}

function makeStore<Events, T extends TopicOf<Events>, Shown>(
  client: Client<Events>,
  topic: T,
  { key, ...start }: TopicOptions,
  folding: Folding<Events, T, Shown>,
) {
  const listeners = new Set<() => void>();
  let shown = folding.initial;
  let isDue = false;
  let stop: Stop | undefined;
  let at: number | undefined;

  function take(told: Told<Events, T>): void {
    folding.fold(told);
    if (told.kind === "gap") at = told.to;
    else if (told.kind !== "error") at = told.kind === "snapshot" ? undefined : told.sequence;
    if (isDue) return;
    isDue = true;
    onFrame(() => {
      isDue = false;
      const before = shown;
      shown = folding.show();
      if (shown !== before) for (const listener of listeners) listener();
    });
  }

  return {
    initial: () => folding.initial,
    shown: () => shown,
    subscribe(listener: () => void): Stop {
      listeners.add(listener);
      // A component that was hidden, or mounted twice, goes on where it was.
      stop ??= client.topic(topic, { key, ...(at === undefined ? start : { after: at }) }).subscribe(take);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        stop?.();
        stop = undefined;
      };
    },
  };
}
