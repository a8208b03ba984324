/** A reader: somebody in the page who follows a feed, and what it is still to be given. Many readers share one line. */

import type { Feed, Gap } from "../protocol/frames.js";

/** Where a reader begins: live, after a position, or with the newest events. */
export interface Start {
  readonly after?: number;
  readonly last?: number;
}

export interface Reader {
  readonly id: string;
  readonly feed: Feed;
  /** Up to here it has been served, or did not ask to be: what comes again is not for it. */
  readonly floor: number;
  /** Where it wants to begin, as long as its line has not been asked to go back there. */
  readonly wish?: Start;
  readonly isState: boolean;
}

/** Before every event. */
export const NOWHERE = -1;

/** Whether what happens on `feed` reaches a reader of `wanted`: it is the same, or a key of it. */
export const covers = (feed: Feed, wanted: Feed): boolean => wanted === feed || wanted.startsWith(`${feed}/`);

/** The reader, served up to this position at least. */
export const served = (reader: Reader, position: number): Reader =>
  reader.floor < position ? { ...reader, floor: position } : reader;

/** The reader without a wish, from this position on. */
export function granted({ wish: _wish, ...reader }: Reader, floor: number): Reader {
  return { ...reader, floor };
}

/** What of a gap concerns this reader: nothing that it was served before. */
export function share(gap: Gap, reader: Reader): Gap | undefined {
  if (gap.from === null) return gap;
  if (gap.to <= reader.floor) return undefined;
  return reader.floor < gap.from ? gap : { ...gap, from: reader.floor + 1 };
}
