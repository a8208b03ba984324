/**
 * The client as a pure reducer: told what happened and what time it is, it answers what it knows now and what to do.
 *
 * It never waits, never looks at a clock and throws no dice. What it answers is to be done in order, and before the
 * next input.
 */

import { follow, settle, unfollow } from "./following.js";
import { received } from "./heeding.js";
import { lost, open, retire, ticked, woke } from "./life.js";
import type { Effect, Input, Moment, State } from "./state.js";
import { change, type Turn } from "./turn.js";

/** Take one fact; answer what follows from it. Cost: proportional to the readers and lines there are. */
export function step(state: State, input: Input, moment: Moment): { state: State; effects: readonly Effect[] } {
  const turn: Turn = { ...moment, state, effects: [] };
  take(turn, input);
  return { state: turn.state, effects: turn.effects };
}

function take(turn: Turn, input: Input): void {
  switch (input.kind) {
    case "received":
      return received(turn, input.frame);
    case "follow":
      return follow(turn, input);
    case "unfollow":
      return unfollow(turn, input.id);
    case "settle":
      return settle(turn);
    case "lost":
      return lost(turn, input.code, input.reason);
    case "ticked":
      return ticked(turn);
    case "woke":
      return woke(turn);
    case "reached":
      return turn.state.connection.status === "waiting" ? change(turn, { carrier: "events" }) : undefined;
    case "connect":
      return connect(turn);
    case "close":
      return retire(turn, { status: "closed", code: 1000, reason: "closed by the page" });
  }
}

/** Somebody wants it to be connected, now. */
function connect(turn: Turn): void {
  const { status } = turn.state.connection;
  if (status === "closed") change(turn, { connection: { status: "idle" } });
  if (status === "waiting") return open(turn);
  settle(turn);
}
