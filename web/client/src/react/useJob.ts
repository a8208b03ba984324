/** A background job, live. */

import type { Folding } from "./fold.js";
import { useFold } from "./fold.js";

/** What is known of a job: its state, as `queued`, `started`, `retrying`, `completed` or `failed`, and the facts told so far. */
export interface Job {
  readonly state: string;
  readonly [fact: string]: unknown;
}

/** The topic that jobs are told on, and how many of a job's events are looked back at where it is a log. */
const TOPIC = "monitoring";
const EVENTS = 20;
const PREFIX = /^job_/;

/** The job of this id, as its events tell of it; undefined as long as nothing is known. */
export function useJob(id: string): Job | undefined {
  return useFold(TOPIC as never, { key: id, last: EVENTS }, (): Folding<never, Job | undefined> => {
    let job: Job | undefined;
    return {
      initial: undefined,
      fold(told: { kind: string; name?: string; data?: unknown }) {
        if (told.kind === "snapshot") job = undefined;
        if (told.kind !== "event" || told.name === undefined) return;
        job = { ...job, ...(told.data as object), state: told.name.replace(PREFIX, "") };
      },
      show: () => job,
    };
  });
}
