/** The one connection of this page. */

import { createClient } from "pulse-radar";
import type { Events } from "../events.js";
import { makeHealth } from "./health.js";
import { makeMetrics } from "./metrics.js";
import { makeRates } from "./rates.js";
import { makeTap } from "./tap.js";
import { WATCHED } from "./topics.js";
import { wire } from "./wire.js";

declare module "pulse-radar" {
  interface Register {
    events: Events;
  }
}

export const client = createClient<Events>({ url: "ws", world: wire.world });
export const health = makeHealth(client, WATCHED);
export const rates = makeRates(client, WATCHED);
export const tap = makeTap(client, WATCHED);
export const metrics = makeMetrics(client);
