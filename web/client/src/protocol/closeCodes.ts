/** Close codes say what to do. */

export type Advice = "done" | "reconnect" | "resume" | "fresh credentials" | "stop";

/** Codes of a bug on one side: the same would happen again. */
const BUGS = [1002, 1003, 1007, 1008, 1009, 1010];

/** What a client does after this close code; one that is not known is decided by its range. */
export function advice(code: number): Advice {
  if (code === 1000) return "done";
  if (BUGS.includes(code)) return "stop";
  switch (Math.floor(code / 100)) {
    case 40:
      return "resume";
    case 41:
      return "fresh credentials";
    case 44:
      return "stop";
    default:
      return "reconnect";
  }
}

/** How long a close reason asks to wait, in milliseconds; undefined where it has no wish. */
export function retryMs(reason: string): number | undefined {
  const wish = /^retry=(\d{1,7})$/.exec(reason);
  return wish ? Number(wish[1]) : undefined;
}
