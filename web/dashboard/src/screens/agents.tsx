/** Who works, with which model of which provider, by which instructions. */

import { Bot } from "lucide-react";
import type { AgentCreated, ProviderCreated } from "../events.js";
import { Badge } from "../parts/basics.js";
import { date } from "../parts/format.js";
import { KeptScreen, OpenCell, useKept } from "../parts/kept.js";

export default function AgentsScreen() {
  const providers = useKept<ProviderCreated>("providers").data?.items ?? [];
  const nameOf = (id: string | null) => providers.find((provider) => provider.id === id)?.name ?? "–";
  return (
    <KeptScreen<AgentCreated>
      topic="agents"
      noun="agent"
      icon={Bot}
      purpose="An agent works with a model of a provider, by instructions that you write."
      nameOf={({ name }) => name}
      grid="grid-cols-[minmax(0,1fr)_5.5rem] sm:grid-cols-[minmax(0,1fr)_5.5rem_9rem] lg:grid-cols-[minmax(0,1fr)_5.5rem_10rem_10rem_7rem]"
      columns={(show) => [
        { head: "Agent", cell: (agent) => <OpenCell name={agent.name} onOpen={() => show(agent)} /> },
        {
          head: "State",
          cell: ({ is_enabled: isOn }) => <Badge tone={isOn ? "good" : "quiet"}>{isOn ? "On" : "Off"}</Badge>,
        },
        { head: "Provider", className: "max-sm:hidden text-quiet", cell: ({ provider_id: id }) => nameOf(id) },
        { head: "Model", className: "max-lg:hidden text-quiet", cell: ({ model }) => model ?? "–" },
        {
          head: "Changed",
          className: "max-lg:hidden figures text-right text-quiet text-xs",
          cell: ({ updated_at: at }) => date(at),
        },
      ]}
      fields={[
        { name: "name", label: "Name", isNeeded: true },
        { name: "instructions", label: "Instructions", kind: "area" },
        {
          name: "provider_id",
          label: "Provider",
          kind: "choice",
          choices: providers.map(({ id, name }) => ({ value: id, label: name })),
        },
        { name: "model", label: "Model", hint: "Else the provider's own." },
        { name: "is_enabled", label: "It is at work", kind: "switch" },
      ]}
    />
  );
}
