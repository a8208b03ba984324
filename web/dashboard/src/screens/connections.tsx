/** Who is connected to which process, how far behind, and a way to send somebody away. */

import { Cable, UserX } from "lucide-react";
import { useConnection, useKeyed } from "pulse-radar/react";
import { useMemo, useState } from "react";
import type { ConnectionShown } from "../events.js";
import { ActButton } from "../parts/act.js";
import { Badge, Card, Empty, Trouble } from "../parts/basics.js";
import { bytes, count, duration } from "../parts/format.js";
import { type Column, Rows } from "../parts/rows.js";

interface Seated extends ConnectionShown {
  readonly process: string;
}

export default function ConnectionsScreen() {
  const processes = useKeyed("connections");
  const connection = useConnection();
  const own = connection.status === "open" ? connection.connectionId : null;
  const [why, refuse] = useState<string | null>(null);
  const told = useMemo(
    () =>
      [...processes.values()]
        .flatMap((event) => (event.name === "connections_seen" ? [event.data] : []))
        .sort((one, other) => (one.process < other.process ? -1 : 1)),
    [processes],
  );
  const rows = useMemo<readonly Seated[]>(
    () => told.flatMap(({ process, shown }) => shown.map((each) => ({ ...each, process }))),
    [told],
  );
  const total = told.reduce((sum, each) => sum + each.total, 0);

  return (
    <>
      <ul aria-label="Processes" className="grid gap-3 sm:grid-cols-2 sm:gap-4 xl:grid-cols-4">
        {told.map(({ process, total: connected, shown }) => (
          <li key={process} className="min-w-0 rounded-card border border-line bg-card px-4 py-3.5 shadow-card sm:px-5">
            <p className="truncate text-quiet text-xs">{process}</p>
            <p className="figures mt-1 font-semibold text-2xl">{count(connected)}</p>
            <p className="figures mt-0.5 truncate text-quiet text-xs">
              {bytes(shown.reduce((sum, each) => sum + each.unsent_bytes, 0))} unsent
            </p>
          </li>
        ))}
      </ul>
      {why && <Trouble title="It was not sent away">{why}</Trouble>}
      <Card
        isFlush
        className="overflow-hidden"
        title="Connections"
        aside={
          <span className="figures text-quiet text-xs">
            {rows.length < total ? `the slowest ${count(rows.length)} of ${count(total)}` : count(total)}
          </span>
        }
      >
        <Rows
          label="Connections, the slowest first"
          rows={rows}
          idOf={({ process, id }) => `${process} ${id}`}
          columns={columns(own, refuse)}
          grid="grid-cols-[minmax(0,1fr)_6.5rem] sm:grid-cols-[minmax(0,1fr)_6rem_6rem_6.5rem] xl:grid-cols-[minmax(0,12rem)_minmax(0,10rem)_minmax(0,1fr)_5rem_5rem_5rem_6.5rem]"
          height="h-[32rem]"
          empty={
            <Empty icon={Cable} title="No process has told of itself yet">
              Each API process says every two seconds who is connected to it.
            </Empty>
          }
        />
      </Card>
    </>
  );
}

const columns = (own: string | null, refuse: (why: string | null) => void): readonly Column<Seated>[] => [
  {
    head: "Who",
    cell: ({ id, who }) => (
      <span className="block leading-tight">
        <span className="flex items-center gap-2">
          <span className="truncate font-medium">{who || "anonymous"}</span>
          {id === own && <Badge tone="good">this page</Badge>}
        </span>
        <span className="block truncate font-mono text-quiet text-xs">{id}</span>
      </span>
    ),
  },
  { head: "Process", className: "max-xl:hidden text-quiet text-xs", cell: ({ process }) => process },
  { head: "Follows", className: "max-xl:hidden text-quiet text-xs", cell: ({ topics }) => topics.join(", ") },
  {
    head: "Behind",
    className: "max-sm:hidden figures text-right",
    cell: ({ behind }) => <span className={behind > 0 ? "text-wait" : "text-quiet"}>{count(behind)}</span>,
  },
  {
    head: "Unsent",
    className: "max-sm:hidden figures text-right",
    cell: ({ unsent_bytes: unsent }) => (
      <span className={unsent > 0 ? "text-wait" : "text-quiet"}>{bytes(unsent)}</span>
    ),
  },
  {
    head: "For",
    className: "max-xl:hidden figures text-right text-quiet",
    cell: ({ open_seconds: seconds }) => duration(seconds),
  },
  {
    head: "Act",
    className: "text-right",
    cell: ({ id, process }) => (
      <ActButton
        isSmall
        isGrave
        label="Evict"
        icon={UserX}
        title="Send it away; it comes back and resumes"
        path={`api/connections/${process}/${id}/evict`}
        onRefused={refuse}
      />
    ),
  },
];
