/** What a code generator writes, or a person: the types of all events, told once. */

export interface Events {
  knowledge: {
    atom_created: { id: string; title: string };
    atom_renamed: { id: string; title: string; before: string };
  };
  metrics: { load: number };
}

declare module "pulse-radar" {
  interface Register {
    events: Events;
  }
}
