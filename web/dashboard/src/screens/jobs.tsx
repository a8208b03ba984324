/** Every job there is, live: how far it is, how it ended, and what can be done about it. */

import { Activity, CircleX, RotateCw } from "lucide-react";
import { useMemo, useState } from "react";
import { isOver, type Job } from "../live/jobs.js";
import { useKnown } from "../live/known.js";
import { ActButton } from "../parts/act.js";
import { Card, Chip, Empty, Facts, Meter, TextField, TONES, Trouble } from "../parts/basics.js";
import { classes } from "../parts/classes.js";
import { count, duration, time } from "../parts/format.js";
import { JOB_TONES, JOB_WORDS, JobBadge, jobShare } from "../parts/job.js";
import { type Column, Rows } from "../parts/rows.js";
import { Sheet } from "../parts/sheet.js";

/** What people look for, and the states that are meant. */
const FILTERS: readonly { name: string; holds: (job: Job) => boolean }[] = [
  { name: "All", holds: () => true },
  { name: "Waiting", holds: ({ state }) => state === "queued" || state === "retrying" },
  { name: "Running", holds: ({ state }) => state === "started" || state === "progress" || state === "cancelling" },
  { name: "Failed", holds: ({ state }) => state === "failed" || state === "lost" },
  { name: "Cancelled", holds: ({ state }) => state === "cancelled" },
  { name: "Completed", holds: ({ state }) => state === "completed" },
];

export default function JobsScreen() {
  const { jobs } = useKnown();
  const [filter, choose] = useState("All");
  const [words, search] = useState("");
  const [openId, open] = useState<string | null>(null);
  const shown = useMemo(() => {
    const holds = FILTERS.find(({ name }) => name === filter)?.holds ?? (() => true);
    const wanted = words.trim().toLowerCase();
    return jobs.filter(
      (job) =>
        holds(job) && `${job.about ?? ""} ${job.name} ${job.id} ${job.worker ?? ""}`.toLowerCase().includes(wanted),
    );
  }, [jobs, filter, words]);

  return (
    <>
      <div className="flex flex-wrap items-center gap-2">
        {FILTERS.map(({ name, holds }) => (
          <Chip key={name} isOn={filter === name} onToggle={() => choose(name)}>
            {name} <span className="figures min-w-4 text-quiet">{count(jobs.filter(holds).length)}</span>
          </Chip>
        ))}
        <TextField
          type="search"
          aria-label="Search jobs"
          placeholder="File, name, id or worker"
          className="sm:ml-auto sm:max-w-64"
          value={words}
          onChange={(event) => search(event.target.value)}
        />
      </div>
      <Card isFlush className="overflow-hidden">
        <Rows
          label="Jobs, newest first"
          rows={shown}
          idOf={({ id }) => id}
          columns={columns(open)}
          grid="grid-cols-[minmax(0,1fr)_7.5rem] sm:grid-cols-[minmax(0,1fr)_7.5rem_minmax(0,10rem)] lg:grid-cols-[minmax(0,1fr)_7.5rem_minmax(0,12rem)_4rem_5rem_minmax(0,10rem)_5rem]"
          height="h-[36rem]"
          empty={
            jobs.length > 0 ? (
              <Empty icon={Activity} title="No job fits the filter" />
            ) : (
              <Empty icon={Activity} title="No jobs yet">
                Each background job appears here as soon as it is queued, and stays for a day after it ended.
              </Empty>
            )
          }
        />
      </Card>
      <JobSheet job={jobs.find(({ id }) => id === openId)} onClose={() => open(null)} />
    </>
  );
}

const columns = (open: (id: string) => void): readonly Column<Job>[] => [
  {
    head: "Job",
    cell: ({ id, name, about }) => (
      <button
        type="button"
        onClick={() => open(id)}
        className="block max-w-full rounded text-left after:absolute after:inset-0 focus-visible:after:outline-2"
      >
        <span className="block truncate font-medium leading-tight">
          <bdi>{about ?? name}</bdi>
        </span>
        <span className="block truncate text-quiet text-xs leading-tight">
          {about && `${name} `}
          <span className="font-mono">{id}</span>
        </span>
      </button>
    ),
  },
  { head: "State", cell: (job) => <JobBadge job={job} /> },
  { head: "Progress", className: "max-sm:hidden", cell: (job) => <JobProgress job={job} /> },
  {
    head: "Attempt",
    className: "max-lg:hidden figures text-right",
    cell: ({ attempt }) => <span className={attempt > 1 ? "text-wait" : "text-quiet"}>{attempt}</span>,
  },
  {
    head: "Took",
    className: "max-lg:hidden figures text-right text-quiet",
    cell: ({ duration_seconds: took }) => (typeof took === "number" ? duration(took) : "–"),
  },
  { head: "Worker", className: "max-lg:hidden text-quiet", cell: ({ worker }) => worker ?? "–" },
  {
    head: "Since",
    className: "max-lg:hidden figures text-right text-quiet text-xs",
    cell: ({ since }) => time(since),
  },
];

function JobProgress({ job }: { job: Job }) {
  const { progress, error, error_type: kind } = job;
  if (error) return <span className="text-bad text-xs">{kind ? `${kind}: ${error}` : error}</span>;
  if (!progress) return <span className="text-quiet">–</span>;
  return (
    <span className="figures flex flex-col gap-1.5">
      <span className="truncate text-quiet text-xs leading-tight">
        {progress.message ?? `${count(progress.done)}${progress.total ? ` of ${count(progress.total)}` : ""}`}
      </span>
      <Meter share={jobShare(job)} label={`Progress of ${job.about ?? job.name}`} tone={JOB_TONES[job.state]} />
    </span>
  );
}

function JobSheet({ job, onClose }: { job: Job | undefined; onClose: () => void }) {
  return (
    <Sheet
      title={job?.about ?? job?.name ?? ""}
      description={job && `${job.name} ${job.id}`}
      isOpen={job !== undefined}
      onClose={onClose}
    >
      {job && (
        <>
          <div className="flex flex-wrap items-center gap-2">
            <JobBadge job={job} />
            {job.attempt > 1 && <span className="text-wait text-xs">attempt {job.attempt}</span>}
          </div>
          {job.progress && <JobProgress job={{ ...job, error: null }} />}
          {job.error && (
            <Trouble title={job.error_type ?? "It failed"}>
              <span className="whitespace-pre-wrap">{job.error}</span>
            </Trouble>
          )}
          {job.reason && <p className="text-quiet">{job.reason}</p>}
          <Facts
            facts={[
              ["Worker", job.worker ?? "none yet"],
              ["Queued", job.queued_at ? time(job.queued_at) : "not told"],
              [
                "Took",
                typeof job.duration_seconds === "number"
                  ? duration(job.duration_seconds)
                  : isOver(job)
                    ? "not told"
                    : "not ended",
              ],
            ]}
          />
          <Deeds key={job.id} job={job} />
          <Timeline job={job} />
        </>
      )}
    </Sheet>
  );
}

/** What can be done about it; why not, where nothing can. */
function Deeds({ job }: { job: Job }) {
  const [why, refuse] = useState<string | null>(null);
  const isPast = isOver(job) || job.state === "lost";
  const withheld = job.arguments?.withheld;
  return (
    <div className="flex flex-col gap-3">
      <div className="flex flex-wrap items-center gap-2">
        {!isOver(job) && (
          <ActButton
            isGrave
            variant="danger"
            label="Cancel"
            icon={CircleX}
            disabled={job.state === "cancelling"}
            path={`jobs/${job.id}/cancel`}
            onRefused={refuse}
          />
        )}
        {isPast && (
          <ActButton
            label="Run again"
            icon={RotateCw}
            disabled={typeof withheld === "string"}
            path={`jobs/${job.id}/retry`}
            onRefused={refuse}
          />
        )}
        {isPast && withheld && <p className="text-quiet text-xs">It cannot run again from here: {withheld}.</p>}
      </div>
      {why && <Trouble title="That was refused">{why}</Trouble>}
    </div>
  );
}

function Timeline({ job }: { job: Job }) {
  return (
    <section>
      <h3 className="mb-3 font-semibold">Timeline{job.attempt > 1 && ` of attempt ${job.attempt}`}</h3>
      <ol className="flex flex-col">
        {job.transitions.map(({ state, at, by }, index) => {
          const known = state as Job["state"];
          const before = job.transitions[index - 1];
          return (
            <li key={`${state} ${at}`} className="figures wrap-anywhere relative flex gap-3 pb-4 last:pb-0">
              {index < job.transitions.length - 1 && (
                <span aria-hidden="true" className="absolute top-4 left-[5px] h-full w-px bg-line" />
              )}
              <span
                aria-hidden="true"
                className={classes(
                  "relative mt-1.5 size-[11px] shrink-0 rounded-full border-2 border-current bg-card",
                  TONES[JOB_TONES[known] ?? "quiet"],
                )}
              />
              <span className="min-w-0 grow">
                <span className="flex justify-between gap-3">
                  <span className="font-medium">
                    {known === "progress" ? "First progress" : (JOB_WORDS[known] ?? state)}
                  </span>
                  <time dateTime={at} className="text-quiet text-xs">
                    {time(at)}
                  </time>
                </span>
                <span className="flex justify-between gap-3 text-quiet text-xs">
                  <span className="truncate">{by}</span>
                  {before && (
                    <span className="shrink-0">+{duration((Date.parse(at) - Date.parse(before.at)) / 1_000)}</span>
                  )}
                </span>
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
