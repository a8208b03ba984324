/** The shell around the machine: it has the link and the timer, and does what the machine answers. No rules here. */

import { standings } from "../machine/lines.js";
import { step } from "../machine/machine.js";
import { type Connection, type Input, initial, NEVER, type News } from "../machine/state.js";
import type { Positions } from "../protocol/frames.js";
import { makeLink, type Server } from "./link.js";
import { listen, makeAlarm, type Use } from "./world.js";

/** Whom a station tells what it hears. */
export interface Outlet {
  tell(readers: readonly string[], news: readonly News[]): void;
  /** The connection is another one now. */
  changed(connection: Connection): void;
}

export interface Station {
  handle(input: Input): void;
  /** Up to where all readers of the log topics were served. */
  positions(): Positions;
  /** Leave for good. */
  end(): void;
}

export function makeStation(server: Server, use: Use, outlet: Outlet): Station {
  const perform = makeLink(server, use, handle);
  const inputs: Input[] = [];
  let state = initial();
  let isOnline = true;
  let isBusy = false;
  const alarm = makeAlarm(use);
  // For when the alarm is set.
  let armed = NEVER;

  const now = () => use("performance").now();

  /** Take inputs one after the other, also those that come of their effects. */
  function handle(input: Input): void {
    inputs.push(input);
    if (isBusy) return;
    isBusy = true;
    for (let next = inputs.shift(); next; next = inputs.shift()) take(next);
    isBusy = false;
    arm();
  }

  function take(input: Input): void {
    const { connection } = state;
    const turn = step(state, input, { now: now(), chance: use("Math").random(), isOnline });
    state = turn.state;
    for (const effect of turn.effects)
      if (effect.kind === "tell") outlet.tell(effect.readers, effect.news);
      else perform(effect);
    if (state.connection !== connection) outlet.changed(state.connection);
  }

  /** An alarm for when the machine wants to know the time; one that comes earlier is as good. */
  function arm(): void {
    const { due } = state;
    if (armed <= due && due < NEVER) return;
    armed = due;
    alarm(due - now(), () => {
      armed = NEVER;
      handle({ kind: "ticked" });
    });
  }

  const woke = () => handle({ kind: "woke" });
  const turnOnline = (is: boolean) => () => {
    isOnline = is;
    // What is open may be dead now, or may not: it is asked.
    woke();
  };
  const ends = [
    listen(use, "offline", turnOnline(false)),
    listen(use, "online", turnOnline(true)),
    listen(use, "pageshow", woke),
    listen(use, "visibilitychange", () => use("document")?.hidden || woke()),
  ];

  return {
    handle,
    positions: () => standings(state),
    end() {
      for (const end of ends) end();
      handle({ kind: "close" });
    },
  };
}
