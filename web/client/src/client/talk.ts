/** What tabs say to each other. */

import type { Connection, Input, News } from "../machine/state.js";
import type { Positions } from "../protocol/frames.js";
import type { Use } from "./world.js";

export type Message =
  | { readonly input: Input }
  /** Is there a leader? */
  | { readonly ask: true }
  | { readonly leader: string; readonly readers: readonly string[]; readonly news: readonly News[] }
  | Beat;

/** The leader is there, and that is what it knows. `leader`: another name each time that a tab begins to lead. */
export interface Beat {
  readonly leader: string;
  /** Of the leader's page. */
  readonly epoch: number;
  readonly connection: Connection;
  readonly positions: Positions;
}

/** When the clock of this page began: with the page, so that each has its own. */
export const epoch = (use: Use): number => use("Date").now() - use("performance").now();

/** The connection of the leader, told by the clock of this page. */
export function byOurClock({ connection: heard, epoch: theirs }: Beat, use: Use): Connection {
  const ahead = theirs - epoch(use);
  if (heard.status === "open") return { ...heard, since: heard.since + ahead };
  return heard.status === "waiting" ? { ...heard, until: heard.until + ahead } : heard;
}
