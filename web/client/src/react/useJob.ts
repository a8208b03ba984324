/** A background job, live. */

import { useFold } from "./fold.js";

/** Where a job can be in its life; of a retry the attempt is higher. */
export type JobState =
  | "queued"
  | "started"
  | "progress"
  | "cancelling"
  | "lost"
  | "retrying"
  | "failed"
  | "cancelled"
  | "completed";

/** What an event of a job tells of it. */
interface JobFacts {
  readonly task_id: string;
  readonly name: string;
  readonly attempt: number;
  readonly worker: string | null;
  readonly queued_at: string | null;
  readonly started_at: string | null;
  readonly progress: {
    readonly done: number;
    readonly total: number | null;
    readonly message: string | null;
  } | null;
  /** The timeline of this attempt. */
  readonly transitions: readonly { readonly state: JobState; readonly at: string; readonly by: string | null }[];
  /** Of one that failed or is tried again. */
  readonly error_type?: string | null;
  readonly error?: string | null;
  /** Of one that was, or is being, cancelled. */
  readonly reason?: string | null;
  /** Of one that ended. */
  readonly ended_at?: string;
  readonly duration_seconds?: number;
  readonly result?: unknown;
  readonly [fact: string]: unknown;
}

/** What is known of a job: the facts of its newest event, which has them all. `pulse-radar codegen` types each event. */
export interface Job extends JobFacts {
  /** As the event's name says it. */
  readonly state: JobState;
}

/** The state topic that jobs are told on. */
interface JobEvents {
  readonly monitoring: Readonly<Record<string, JobFacts>>;
}

const PREFIX = /^job_/;

/** The job of this id, as its newest event tells of it; undefined as long as nothing is known, and when it is forgotten. */
export function useJob(id: string): Job | undefined {
  return useFold<JobEvents, "monitoring", Job | undefined>("monitoring", { key: id }, () => {
    let job: Job | undefined;
    return {
      initial: undefined,
      fold(told) {
        if (told.kind === "snapshot") job = undefined;
        else if (told.kind === "event")
          job = told.deleted ? undefined : { ...told.data, state: told.name.replace(PREFIX, "") as JobState };
      },
      show: () => job,
    };
  });
}
