/** How a job is. */

import { isAtWork, type Job, type JobState } from "../live/jobs.js";
import { Badge, type Tone } from "./basics.js";

export const JOB_TONES: Readonly<Record<JobState, Tone>> = {
  queued: "quiet",
  started: "mark",
  progress: "mark",
  cancelling: "wait",
  retrying: "wait",
  lost: "bad",
  failed: "bad",
  cancelled: "quiet",
  completed: "good",
};

export const JOB_WORDS: Readonly<Record<JobState, string>> = {
  queued: "Queued",
  started: "Running",
  progress: "Running",
  cancelling: "Cancelling",
  retrying: "Retrying",
  lost: "Lost",
  failed: "Failed",
  cancelled: "Cancelled",
  completed: "Completed",
};

/** The job of an ingestion that is paused is cancelled, and is to go on all the same. */
export const wordFor = ({ state, reason }: Job): string =>
  state === "cancelled" && reason === "paused" ? "Paused" : JOB_WORDS[state];

export const JobBadge = ({ job, share }: { job: Job; share?: number | null }) => (
  <Badge tone={JOB_TONES[job.state]} isLive={isAtWork(job)}>
    {wordFor(job)}
    {share !== null && share !== undefined && isAtWork(job) && (
      <span className="figures"> {Math.floor(share * 100)} %</span>
    )}
  </Badge>
);

/** How far it is; null where it does not say. */
export function jobShare({ progress, state }: Job): number | null {
  if (state === "completed") return 1;
  return progress?.total ? Math.max(0, Math.min(1, progress.done / progress.total)) : null;
}
