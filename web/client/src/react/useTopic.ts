/** A state made of what happens on a topic. */

import type { EventOf, Happening, PulseEvent, RegisteredEvents, TopicOf, TopicOptions } from "../index.js";
import { type Folding, useFold } from "./fold.js";
import { useLatest } from "./useEvent.js";

type Events = RegisteredEvents;

/**
 * What a reducer makes of a topic. It is told events, and as actions of other kinds `gap` and, of a state topic,
 * `snapshot`, after which all that was known is void. Where it answers `undefined`, as a `switch` does at the name of an
 * event that is newer than the page, the state stays as it was: for "nothing" there is `null`.
 *
 * The newest `reducer` is called. `initial`, `after` and `last` say how it begins, and are looked at then only: with another
 * topic or key it begins anew.
 *
 * @example
 * const atoms = useTopic("knowledge", (list, action) => action.kind === "event" ? [action.data, ...list] : list, []);
 */
export function useTopic<T extends TopicOf<Events>, State>(
  topic: T,
  reducer: (state: State, action: Happening<Events, T>) => State,
  initial: State,
  options: TopicOptions = {},
): State {
  const latest = useLatest(reducer);
  return useFold<Events, T, State>(topic, options, () => {
    let state = initial;
    return {
      initial,
      fold(told) {
        if (told.kind === "subscribed" || told.kind === "error") return;
        const next = latest.current(state, told);
        if (next !== undefined) state = next;
      },
      show: () => state,
    };
  });
}

/** Of a state topic the newest event of each key, by key. */
export function useKeyed<T extends TopicOf<Events>>(topic: T): ReadonlyMap<string, EventOf<Events, T>> {
  return useFold<Events, T, ReadonlyMap<string, EventOf<Events, T>>>(topic, {}, keyed);
}

function keyed<T extends TopicOf<Events>>(): Folding<Events, T, ReadonlyMap<string, EventOf<Events, T>>> {
  const initial = new Map<string, EventOf<Events, T>>();
  let current = new Map(initial);
  // What is shown stays until a new state is whole.
  let next: typeof current | undefined;
  let shown: ReadonlyMap<string, EventOf<Events, T>> = initial;
  let isChanged = false;
  return {
    initial,
    fold(told) {
      if (told.kind === "snapshot") next = new Map();
      else if (told.kind === "gap" && told.from === null) current = new Map();
      else if (told.kind === "subscribed") {
        current = next ?? current;
        next = undefined;
      } else if (told.kind === "event") {
        const { key = "", deleted } = told as PulseEvent;
        if (deleted) (next ?? current).delete(key);
        else (next ?? current).set(key, told as EventOf<Events, T>);
      }
      isChanged ||= told.kind !== "error" && !next;
    },
    show() {
      if (isChanged) shown = new Map(current);
      isChanged = false;
      return shown;
    },
  };
}
