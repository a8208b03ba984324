/** Do something when an event happens. */

import { useEffect, useLayoutEffect, useRef } from "react";
import type { NameOf, PulseEvent, RegisteredEvents, TopicOf, TopicOptions } from "../index.js";
import { useClient } from "./provider.js";

/** On a server there is no layout, and React says so. */
const useIsomorphicLayoutEffect = typeof document === "undefined" ? useEffect : useLayoutEffect;

/** The newest value, for what happens between renders. */
export function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useIsomorphicLayoutEffect(() => {
    latest.current = value;
  });
  return latest;
}

/** Call the newest `take` for each event of this name, as long as the component is there. It renders nothing. */
export function useEvent<T extends TopicOf<RegisteredEvents>, E extends NameOf<RegisteredEvents, T>>(
  topic: T,
  name: E,
  take: (event: PulseEvent<T, E, RegisteredEvents[T][E]>) => void,
  options: TopicOptions = {},
): void {
  const client = useClient();
  const latest = useLatest(take);
  const { key, after, last } = options;
  useEffect(
    () => client.topic(topic, { key, after, last }).on(name, (event) => latest.current(event)),
    [client, topic, name, key, after, last, latest],
  );
}
