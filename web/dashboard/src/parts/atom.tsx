/** An atom: a decision, a task, a question, a link or a claim. */

import type { AtomCreated } from "../events.js";
import { TONES, type Tone } from "./basics.js";
import { classes } from "./classes.js";

const KINDS: Readonly<Record<string, Tone>> = {
  decision: "good",
  task: "wait",
  question: "mark",
  link: "quiet",
  claim: "quiet",
};

export const AtomKind = ({ kind }: { kind: string }) => (
  <span
    className={classes(
      "tint inline-block w-18 rounded-md py-0.5 text-center font-medium text-xs",
      TONES[KINDS[kind] ?? "quiet"],
    )}
  >
    {kind}
  </span>
);

export const AtomLine = ({ atom }: { atom: AtomCreated }) => (
  <li className="grid h-11 grid-cols-[4.5rem_minmax(0,1fr)] items-center gap-x-4 border-line border-t px-4 sm:grid-cols-[4.5rem_minmax(0,1fr)_9rem] sm:px-5">
    <AtomKind kind={atom.kind} />
    <span dir="auto" className="truncate" title={atom.title}>
      {atom.title}
    </span>
    <span dir="auto" className="truncate text-right text-quiet text-xs max-sm:hidden">
      {atom.author ?? atom.chat}
    </span>
  </li>
);
