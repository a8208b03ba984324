/** The hook of the decision record, for those who come from it. */

import { useEffect } from "react";
import type { EventOf, RegisteredEvents, TopicOf } from "../index.js";
import { useClient, useConnection } from "./provider.js";
import { useLatest } from "./useEvent.js";

type Name = TopicOf<RegisteredEvents>;

/** Follow these topics, whatever array they come in, and of none nothing; `take` is called for each of their events. */
export function useWebSocket<T extends Name>(
  topics: readonly T[],
  take: (event: EventOf<RegisteredEvents, T>) => void = () => {},
): { isConnected: boolean } {
  const client = useClient();
  const latest = useLatest(take);
  // The topics, not the array: that is a new one with every render.
  const names = [...new Set(topics)].sort().join();
  useEffect(() => {
    const stops = (names ? names.split(",") : []).map((name) =>
      client.topic(name as T).subscribe((told) => {
        if (told.kind === "event") latest.current(told as EventOf<RegisteredEvents, T>);
      }),
    );
    return () => {
      for (const stop of stops) stop();
    };
  }, [client, names, latest]);
  return { isConnected: useConnection().status === "open" };
}
