/** The tab that has the connection of all tells the others what it hears, and beats so that they know that it is there. */

import type { Connection } from "../machine/state.js";
import type { Outlet, Station } from "./station.js";
import { epoch, type Message } from "./talk.js";
import { makeAlarm, type Use } from "./world.js";

/** A leader says so often that it is there. */
const BEAT_MS = 5_000;

export interface Leader {
  /** Another one each time that a tab begins to lead. */
  readonly name: string;
  readonly station: Station;
  beat(): void;
  end(): void;
}

export function makeLeader(
  name: string,
  use: Use,
  post: (message: Message) => void,
  outlet: Outlet,
  makeStation: (outlet: Outlet) => Station,
): Leader {
  let connection: Connection = { status: "idle" };
  let isOver = false;
  const next = makeAlarm(use);
  const station = makeStation({
    tell(readers, news) {
      outlet.tell(readers, news);
      post({ leader: name, readers, news });
      // Where a feed stands that is live from now on, a page must know before it is loaded anew.
      if (news.some(({ kind }) => kind === "subscribed")) next(0, beat);
    },
    changed(changed) {
      // A station that was given up is nobody's news.
      if (isOver) return;
      connection = changed;
      outlet.changed(changed);
      beat();
    },
  });

  function beat(): void {
    post({ leader: name, epoch: epoch(use), connection, positions: station.positions() });
    next(BEAT_MS, beat);
  }

  return {
    name,
    station,
    beat,
    end() {
      isOver = true;
      next(0);
      station.end();
    },
  };
}
