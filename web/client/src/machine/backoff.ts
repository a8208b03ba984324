/** How long to wait: before the next attempt, and before credentials run out. Units: milliseconds; `chance` lies in [0, 1). */

import { advice, retryMs } from "../protocol/closeCodes.js";

/** Short enough that a blip goes unnoticed, doubled for each attempt that fails. */
const FIRST_MS = 500;

/** Long enough for a server to recover from thousands who come back, short enough for a person who waits. */
const MOST_MS = 20_000;

/** The server sent us to another process, and knows that we can come at once. */
const RESUME_MS = 250;

/** Full jitter, so that clients who were cut off together do not come back together; or about what the server asks. */
export function delay(code: number, reason: string, attempt: number, chance: number): number {
  const wish = retryMs(reason);
  if (wish !== undefined) return wish * (0.5 + chance);
  const isFirstResume = advice(code) === "resume" && attempt === 0;
  return chance * (isFirstResume ? RESUME_MS : Math.min(MOST_MS, FIRST_MS * 2 ** attempt));
}

/** Of what credentials still hold a fifth is for whoever answers slowly; a minute is enough. */
const RESERVE_MS = 60_000;

/** Not more often than this, whatever is handed out. */
const SHORTEST_MS = 1_000;

/** Timers of browsers go no further than 24 days. */
const LONGEST_MS = 2e9;

/** When to show fresh credentials, where those of now hold for so long. */
export const renewalMs = (left: number): number =>
  Math.min(Math.max(left - Math.min(left / 5, RESERVE_MS), SHORTEST_MS), LONGEST_MS);
