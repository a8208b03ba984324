/** Whatever happens on a topic, whichever it is. */

import type { Client, EventOf, PulseEvent, Stop, Told } from "pulse-radar";
import type { Events } from "../events.js";
import type { Watched } from "./topics.js";

type News = Exclude<Told<Events, "agents">, EventOf<Events, "agents">> | PulseEvent;

/** Types know which events a topic has; of several topics together they know nothing. */
export const follow = (client: Client<Events>, topic: Watched, take: (told: News) => void): Stop =>
  client.topic(topic as "agents").subscribe(take as (told: Told<Events, "agents">) => void);
