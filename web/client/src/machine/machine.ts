/**
 * The client as a pure reducer: told what happened and what time it is, it answers what it knows now and what to do.
 *
 * It never waits, never looks at a clock and throws no dice. What it answers is to be done in order, and before the
 * next input.
 */

import { follow, settle } from "./following.js";
import { received } from "./heeding.js";
import { lost, open, reached, retire, ticked, woke } from "./life.js";
import type { Effect, Input, Moment, State, Turn } from "./state.js";

/** Take one fact; answer what follows from it. Cost: proportional to the readers and lines there are. */
export function step(before: State, input: Input, moment: Moment): { state: State; effects: readonly Effect[] } {
  const turn: Turn = { ...before, ...moment, lines: new Map(before.lines), effects: [] };
  take(turn, input);
  // The turn is the next state; to take the rest off again would double what an event costs.
  return { state: turn, effects: turn.effects };
}

function take(turn: Turn, input: Input): void {
  const { status } = turn.connection;
  switch (input.kind) {
    case "received":
      return received(turn, input.frames);
    case "follow":
      return follow(turn, input);
    case "unfollow":
      turn.readers = new Map([...turn.readers].filter(([id]) => !`${id}:`.startsWith(`${input.id}:`)));
      return;
    case "settle":
      return settle(turn);
    case "lost":
      return lost(turn, input.code, input.reason);
    case "ticked":
      return ticked(turn);
    case "woke":
      return woke(turn);
    case "reached":
      return reached(turn);
    case "connect":
      if (status === "waiting") return open(turn);
      if (status === "closed") turn.connection = { status: "idle" };
      return settle(turn);
    case "close":
      return retire(turn, { status: "closed", code: 1000, reason: "closed by the page" });
  }
}
