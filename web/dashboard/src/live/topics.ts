/** The topics, and the colour in which each is drawn. */

import type { Events } from "../events.js";

export type Topic = keyof Events & string;

const SERIES = {
  messages: 1,
  knowledge: 2,
  monitoring: 3,
  agents: 4,
  tasks: 5,
  providers: 6,
  metrics: 7,
} satisfies Partial<Record<Topic, number>>;

/** Those that a person watches. */
export type Watched = keyof typeof SERIES;

export const WATCHED = Object.keys(SERIES) as Watched[];

/** The CSS variable of a topic's colour. */
export const colourOf = (topic: string): string => `--series-${SERIES[topic as Watched] ?? 7}`;
