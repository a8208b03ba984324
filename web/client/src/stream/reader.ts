/** A reader: somebody in the page who follows a feed, and how far it has been served. Many readers share one line. */

import type { Feed } from "../protocol/frames.js";

/** Where a reader begins: live, after a position, or with the newest events. */
export interface Start {
  readonly after?: number | undefined;
  readonly last?: number | undefined;
}

export interface Reader {
  readonly id: string;
  readonly feed: Feed;
  /**
   * Up to here it was served, or did not ask to be: what comes again is not for it. Undefined, as nearly always: it stands
   * where its line stands, so that an event moves the line only.
   */
  readonly at: number | undefined;
  /** So many of the newest events it wants to begin with; until they come nothing else is for it. */
  readonly last: number | undefined;
  /** It knows that it is live, and from where on: should its page be cut off before its first event, it loses none. */
  readonly isTold: boolean;
}

/** Before every event. */
export const NOWHERE = -1;

/** Whether what happens on `feed` reaches a reader of `wanted`: it is the same, or a key of it. */
export const covers = (feed: Feed, wanted: Feed): boolean =>
  wanted === feed || (wanted[feed.length] === "/" && wanted.startsWith(feed));
