/** A reader: somebody in the page who follows a feed, and what it is still to be given. Many readers share one line. */

import type { Feed, Gap } from "../protocol/frames.js";

/** Where a reader begins: live, after a position, or with the newest events. */
export interface Start {
  readonly after?: number | undefined;
  readonly last?: number | undefined;
}

export interface Reader {
  readonly id: string;
  readonly feed: Feed;
  /** Up to here it has been served, or did not ask to be: what comes again is not for it. */
  readonly floor: number;
  /** Where it wants to begin, as long as its line has yet to go back there. Until then nothing is for it. */
  readonly wish: Start | undefined;
}

/** Before every event. */
export const NOWHERE = -1;

/** Whether what happens on `feed` reaches a reader of `wanted`: it is the same, or a key of it. */
export const covers = (feed: Feed, wanted: Feed): boolean => wanted === feed || wanted.startsWith(`${feed}/`);

/** What of a gap concerns a reader: nothing that it was served before. */
export function shareOf(gap: Gap, { floor }: Reader): Gap | undefined {
  if (gap.from === null || floor < gap.from) return gap;
  return floor < gap.to ? { ...gap, from: floor + 1 } : undefined;
}
