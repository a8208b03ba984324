/** What is to be done, and by whom. */

import { ListChecks } from "lucide-react";
import type { AgentCreated, TaskCreated } from "../events.js";
import { Badge, type Tone } from "../parts/basics.js";
import { date } from "../parts/format.js";
import { KeptScreen, OpenCell, useKept } from "../parts/kept.js";

const TONES: Readonly<Record<TaskCreated["status"], Tone>> = {
  open: "wait",
  in_progress: "mark",
  done: "good",
  cancelled: "quiet",
};

const WORDS: Readonly<Record<TaskCreated["status"], string>> = {
  open: "Open",
  in_progress: "In progress",
  done: "Done",
  cancelled: "Cancelled",
};

export default function TasksScreen() {
  const agents = useKept<AgentCreated>("agents").data?.items ?? [];
  const nameOf = (id: string | null) => agents.find((agent) => agent.id === id)?.name ?? "–";
  return (
    <KeptScreen<TaskCreated>
      topic="tasks"
      noun="task"
      icon={ListChecks}
      purpose="Write down what is to be done, or let an agent find it in what people wrote."
      nameOf={({ title }) => title}
      grid="grid-cols-[minmax(0,1fr)_7rem] sm:grid-cols-[minmax(0,1fr)_7rem_8rem] lg:grid-cols-[minmax(0,1fr)_7rem_10rem_7rem_7rem]"
      columns={(show) => [
        { head: "Task", cell: (task) => <OpenCell name={task.title} onOpen={() => show(task)} /> },
        { head: "Status", cell: ({ status }) => <Badge tone={TONES[status]}>{WORDS[status]}</Badge> },
        { head: "Agent", className: "max-sm:hidden text-quiet", cell: ({ agent_id: id }) => nameOf(id) },
        {
          head: "Due",
          className: "max-lg:hidden figures text-quiet text-xs",
          cell: ({ due_at: at }) => (at ? date(at) : "–"),
        },
        {
          head: "Changed",
          className: "max-lg:hidden figures text-right text-quiet text-xs",
          cell: ({ updated_at: at }) => date(at),
        },
      ]}
      fields={[
        { name: "title", label: "What is to be done", isNeeded: true },
        { name: "description", label: "More about it", kind: "area" },
        {
          name: "status",
          label: "Status",
          kind: "choice",
          isNeeded: true,
          choices: Object.entries(WORDS).map(([value, label]) => ({ value, label })),
        },
        {
          name: "agent_id",
          label: "Agent",
          kind: "choice",
          choices: agents.map(({ id, name }) => ({ value: id, label: name })),
        },
        { name: "due_at", label: "Due", kind: "moment" },
      ]}
    />
  );
}
