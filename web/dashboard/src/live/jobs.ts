/** A job as it is shown, made of the newest event that tells of it. */

import type { EventOf } from "pulse-radar";
import type { Events } from "../events.js";

export const STATES = [
  "queued",
  "started",
  "progress",
  "cancelling",
  "retrying",
  "lost",
  "failed",
  "cancelled",
  "completed",
] as const;

export type JobState = (typeof STATES)[number];

/** What can be told of a job, by whatever event. */
interface Facts {
  readonly task_id: string;
  readonly name: string;
  readonly attempt: number;
  readonly queued_at?: string | null;
  readonly started_at?: string | null;
  readonly ended_at?: string | null;
  readonly duration_seconds?: number | null;
  readonly worker?: string | null;
  readonly error_type?: string | null;
  readonly error?: string | null;
  readonly reason?: string | null;
  readonly transitions?: readonly Transition[];
  readonly progress?: Progress | null;
  readonly arguments?: { readonly args: readonly unknown[]; readonly withheld: string | null } | null;
}

/** The attempt came into this state. */
export interface Transition {
  readonly state: string;
  readonly at: string;
  readonly by: string | null;
}

export interface Progress {
  readonly done: number;
  readonly total: number | null;
  readonly message: string | null;
}

export interface Job extends Omit<Facts, "task_id" | "transitions"> {
  readonly id: string;
  readonly state: JobState;
  /** When it was first heard of: milliseconds since 1970. */
  readonly since: number;
  /** What it is about, as people call it: the file of an ingestion. */
  readonly about: string | null;
  readonly transitions: readonly Transition[];
}

/** The job that ingests an export; its first argument is the file's path. */
const INGESTION = "ingest_export";

const known = new WeakMap<object, Job>();

/** As `jobOf`, and the same object for the same event: of ten thousand jobs one changes at a time. */
export function knownJobOf(event: EventOf<Events, "monitoring">, files: ReadonlyMap<string, string>): Job | null {
  const before = known.get(event);
  const file = before && files.get(before.id);
  if (before && (file === undefined || file === before.about)) return before;
  const job = jobOf(event, files);
  if (job) known.set(event, job);
  return job;
}

/** `files`: what ingestions are about, for an upload has another name on the server. */
export function jobOf(event: EventOf<Events, "monitoring">, files: ReadonlyMap<string, string>): Job | null {
  const state = event.name.replace(/^job_/, "");
  if (!isState(state) || !tells(event.data, "task_id", "name")) return null;
  const { task_id: id, transitions = [], ...facts } = event.data as Facts;
  const since = facts.queued_at ?? transitions[0]?.at ?? facts.started_at;
  const path = facts.name === INGESTION ? facts.arguments?.args[0] : null;
  const about = files.get(id) ?? (typeof path === "string" ? (path.split(/[\\/]/).at(-1) ?? null) : null);
  return { ...facts, id, state, transitions, about, since: since ? Date.parse(since) : (event.timestampMs ?? 0) };
}

/** Whether an event says this much: whoever may publish can publish anything under any name. */
export const tells = (data: unknown, ...texts: readonly string[]): boolean =>
  texts.every((name) => typeof (data as Record<string, unknown> | null)?.[name] === "string");

const isState = (name: string): name is JobState => (STATES as readonly string[]).includes(name);

export const isOver = ({ state }: Job): boolean => state === "completed" || state === "failed" || state === "cancelled";

/** It waits for a worker, or has one. */
export const isAtWork = ({ state }: Job): boolean =>
  state === "started" || state === "progress" || state === "cancelling";
