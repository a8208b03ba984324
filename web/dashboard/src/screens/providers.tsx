/** Endpoints that speak OpenAI's protocol. Their keys go in, and never come out again. */

import { KeyRound, Plug } from "lucide-react";
import type { ProviderCreated } from "../events.js";
import { date } from "../parts/format.js";
import { KeptScreen, OpenCell } from "../parts/kept.js";

/** The key is sent, and never shown. */
type Provider = ProviderCreated & { readonly api_key?: never };

export default function ProvidersScreen() {
  return (
    <KeptScreen<Provider>
      topic="providers"
      noun="provider"
      icon={Plug}
      purpose="Any endpoint that speaks OpenAI's protocol. Nothing is sent to one before you name it here."
      nameOf={({ name }) => name}
      grid="grid-cols-[minmax(0,1fr)_4.5rem] sm:grid-cols-[minmax(0,1fr)_minmax(0,1fr)_4.5rem] lg:grid-cols-[minmax(0,1fr)_minmax(0,1.5fr)_10rem_4.5rem_7rem]"
      columns={(show) => [
        { head: "Provider", cell: (provider) => <OpenCell name={provider.name} onOpen={() => show(provider)} /> },
        { head: "Address", className: "max-sm:hidden text-quiet", cell: ({ base_url: url }) => url },
        { head: "Model", className: "max-lg:hidden text-quiet", cell: ({ model }) => model ?? "–" },
        {
          head: "Key",
          cell: ({ has_key: hasKey }) =>
            hasKey ? (
              <span className="inline-flex items-center gap-1.5 text-good text-xs">
                <KeyRound aria-hidden="true" className="size-3.5" /> kept
              </span>
            ) : (
              <span className="text-quiet text-xs">none</span>
            ),
        },
        {
          head: "Changed",
          className: "max-lg:hidden figures text-right text-quiet text-xs",
          cell: ({ updated_at: at }) => date(at),
        },
      ]}
      fields={[
        { name: "name", label: "Name", isNeeded: true },
        {
          name: "base_url",
          label: "Address",
          isNeeded: true,
          hint: "As https://api.openai.com/v1. Another address drops the key, so that it is sent nowhere else.",
        },
        { name: "model", label: "Model" },
        { name: "api_key", label: "Key", kind: "secret", hint: "Kept on the server and never shown. Empty: as it is." },
      ]}
    />
  );
}
