/** A line: one feed as it is followed on the wire, with the cursor, which is the last frame processed. */

import type { Feed, Gap } from "../protocol/frames.js";

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
  /** Where it stands; absent before the first frame that says so. */
  readonly at?: number;
  /** A state topic: its sequences have natural holes, and the server vouches. */
  readonly isState: boolean;
  /** The reader for whom the newest events were asked for, as long as they have not begun to come. */
  readonly asker?: string;
  /** A hole behind this position was asked for once more already. */
  readonly healedAt?: number;
}

/** What an event, or the end of a replay, is to a line: the next thing, one that came before, or one after a hole. */
export type Verdict = "next" | "repeat" | "hole";

/** What an event at this sequence is to the line. Only on a whole log topic can a client check the order itself. */
export function judge(line: Line, sequence: number): Verdict {
  if (line.at === undefined) return "next";
  if (sequence <= line.at) return "repeat";
  return isChecked(line) && sequence > line.at + 1 ? "hole" : "next";
}

/** What a `subscription` frame at this sequence is to the line, which must have reached it. */
export function judgeEnd(line: Line, sequence: number): Verdict {
  return line.at !== undefined && isChecked(line) && sequence > line.at ? "hole" : "next";
}

/** The gap that a hole is, which one resume did not fill. */
export const missing = (line: Line, to: number): Gap => ({
  kind: "gap",
  feed: line.feed,
  from: (line.at ?? 0) + 1,
  to,
  reason: "missing",
});

/** The line at this position. */
export const moved = (line: Line, at: number): Line => ({ ...line, at });

/** The line without a cursor, and without what it was about to do. */
export function forgotten({ at: _at, healedAt: _healedAt, asker: _asker, ...line }: Line): Line {
  return line;
}

const isChecked = (line: Line): boolean => !line.isState && !line.feed.includes("/");
