/** A line: one feed as it is followed on the wire, with the cursor, which is the last frame processed. */

import type { Feed, Positions } from "../protocol/frames.js";

/**
 * - `unasked`: the server has not been asked for it on this connection
 * - `catching up`: asked; its replay comes, then its `subscription` frame
 * - `live`: what comes now is new
 * - `refused`: the server will not serve it
 */
export type Phase = "unasked" | "catching up" | "live" | "refused";

export interface Line {
  readonly feed: Feed;
  readonly phase: Phase;
  /** Where it stands; undefined before the first frame that says so. */
  readonly at: number | undefined;
  /** A state topic: its sequences have natural holes, and the server vouches. */
  readonly isState: boolean;
  /** Its newest events were asked for by this reader, and are for nobody else. */
  readonly asker: string | undefined;
  /** What follows this position was asked for once more, as it did not come. */
  readonly healedAt: number | undefined;
}

/**
 * The sequence that must come next on this line, undefined where any later one may: only on a whole log topic can a
 * client check the order itself.
 */
export const expected = ({ feed, at, isState }: Line): number | undefined =>
  at === undefined || isState || feed.includes("/") ? undefined : at + 1;

/** Where the lines stand of which this is known. */
export const positionsOf = (lines: Iterable<Line>): Positions =>
  Object.fromEntries([...lines].flatMap(({ feed, at }) => (at === undefined ? [] : [[feed, at]])));
