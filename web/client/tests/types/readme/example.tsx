import { createClient } from "pulse-radar";
import { PulseProvider, useTopic } from "pulse-radar/react";
declare module "pulse-radar" { interface Register { events: { knowledge: { atom_created: { title: string } } } } }
const client = createClient({ url: "/ws" });

function Titles() {
  const titles = useTopic("knowledge", (all, e) => (e.kind === "event" ? [e.data.title, ...all] : all), [] as string[]);
  return titles.map((title) => <p key={title}>{title}</p>);
}
export const App = () => <PulseProvider client={client}><Titles /></PulseProvider>;
