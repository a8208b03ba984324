/** Which answers of the API are stale after which events. */

import type { Bindings } from "pulse-radar/react";

export const bindings: Bindings = {
  agents: () => [["agents"]],
  tasks: () => [["tasks"]],
  providers: () => [["providers"]],
  knowledge: () => [["topics"], ["search"]],
};
