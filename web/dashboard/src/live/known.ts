/** What the page knows while it is open, whichever screen is shown: jobs, ingestions and the newest atoms. */

import { useKeyed, useTopic } from "pulse-radar/react";
import { createContext, createElement, type ReactNode, useContext, useMemo } from "react";
import type { AtomCreated, IngestionProgress } from "../events.js";
import { type Job, knownJobOf, tells } from "./jobs.js";

/** So many atoms are kept for the feed; older ones are for the search. */
const ATOMS = 500;

export interface Known {
  /** The newest first. */
  readonly jobs: readonly Job[];
  readonly ingestions: readonly IngestionProgress[];
  readonly atoms: readonly AtomCreated[];
}

const Context = createContext<Known>({ jobs: [], ingestions: [], atoms: [] });

export const useKnown = (): Known => useContext(Context);

export function KnownProvider({ children }: { children: ReactNode }) {
  const monitoring = useKeyed("monitoring");
  const messages = useKeyed("messages");
  const atoms = useTopic("knowledge", withNewest, NONE, { last: ATOMS });
  const ingestions = useMemo(
    () =>
      [...messages.values()]
        .filter((event) => event.name === "ingestion_progress")
        .map((event) => event.data)
        .filter((progress) => tells(progress, "ingestion_id"))
        .reverse(),
    [messages],
  );
  const files = useFiles(ingestions);
  const jobs = useMemo(() => {
    const all = [...monitoring.values()].map((event) => knownJobOf(event, files)).filter((job) => job !== null);
    return all.sort((one, other) => other.since - one.since || (one.id < other.id ? 1 : -1));
  }, [monitoring, files]);
  const known = useMemo(() => ({ jobs, ingestions, atoms }), [jobs, ingestions, atoms]);
  return createElement(Context.Provider, { value: known }, children);
}

/** The file of each ingestion; the same map as long as they are the same files, however often progress is told. */
function useFiles(ingestions: readonly IngestionProgress[]): ReadonlyMap<string, string> {
  const pairs = JSON.stringify(ingestions.flatMap(({ ingestion_id: id, file }) => (file ? [[id, file]] : [])));
  return useMemo(() => new Map<string, string>(JSON.parse(pairs)), [pairs]);
}

const NONE: readonly AtomCreated[] = [];

function withNewest(atoms: readonly AtomCreated[], told: { kind: string; name?: string; data?: unknown }) {
  if (told.kind !== "event" || (told.name !== "atom_created" && told.name !== "atom_updated")) return atoms;
  if (!tells(told.data, "id", "kind", "text")) return atoms;
  const atom = told.data as AtomCreated;
  // Where it stands it stays: that it was found once more is no news.
  if (told.name === "atom_updated" && atoms.some(({ id }) => id === atom.id))
    return atoms.map((known) => (known.id === atom.id ? atom : known));
  return [atom, ...atoms.filter(({ id }) => id !== atom.id)].slice(0, ATOMS);
}
