/** What is to be seen on every screen: the connection, the switch that cuts it, and what came of that. */

import { Moon, Scissors, Sun, SunMoon, Unplug } from "lucide-react";
import type { Connection } from "pulse-radar";
import { useConnection } from "pulse-radar/react";
import { useEffect, useState } from "react";
import { client, health } from "./live/client.js";
import { inWords } from "./live/health.js";
import { useStore } from "./live/store.js";
import { wire } from "./live/wire.js";
import { Badge, Button, type Tone } from "./parts/basics.js";
import { milliseconds } from "./parts/format.js";
import { CHOICES, choose, useChoice } from "./parts/scheme.js";

/** So long it is said what was replayed. */
const SAID_MS = 8_000;

const TONES: Readonly<Record<Connection["status"], Tone>> = {
  idle: "quiet",
  connecting: "wait",
  open: "good",
  waiting: "wait",
  closed: "bad",
};

export const WORDS: Readonly<Record<Connection["status"], string>> = {
  idle: "Idle",
  connecting: "Connecting",
  open: "Live",
  waiting: "Reconnecting",
  closed: "Closed",
};

export function ConnectionState() {
  const connection = useConnection();
  const isCut = useStore(wire.cutAt) !== null;
  const latency = connection.status === "open" && connection.latencyMs;
  return (
    <output aria-label="Connection" className="figures flex w-max justify-end sm:min-w-36">
      <Badge tone={isCut ? "bad" : TONES[connection.status]} isLive={connection.status === "open"}>
        {isCut ? "Cut off" : WORDS[connection.status]}
        {typeof latency === "number" && <span className="max-sm:hidden"> · {milliseconds(latency)}</span>}
      </Badge>
    </output>
  );
}

export function WireSwitch() {
  const isCut = useStore(wire.cutAt) !== null;
  const turn = () => {
    if (!isCut) return wire.cut();
    wire.mend();
    client.connect();
  };
  return (
    <Button
      isSmall
      variant={isCut ? "primary" : "plain"}
      icon={isCut ? Unplug : Scissors}
      onClick={turn}
      aria-label={isCut ? "Mend the wire" : "Cut the wire"}
      title={
        isCut ? "Connect again, and see what is replayed" : "Break the live connection of this page, to see it recover"
      }
    >
      <span className="max-sm:hidden sm:w-24">{isCut ? "Mend the wire" : "Cut the wire"}</span>
    </Button>
  );
}

const SCHEMES = { system: SunMoon, light: Sun, dark: Moon };

export function SchemeButton() {
  const choice = useChoice();
  const next = CHOICES[(CHOICES.indexOf(choice) + 1) % CHOICES.length] ?? "system";
  return (
    <Button
      variant="quiet"
      icon={SCHEMES[choice]}
      aria-label={`Colours: ${choice}. Change to ${next}`}
      title={`Colours: ${choice}`}
      onClick={() => choose(next)}
    />
  );
}

/** Over the page, where nothing has to make room for it. */
export function Notices() {
  return (
    <div className="pointer-events-none fixed inset-x-3 bottom-4 z-30 flex justify-center">
      <output className="empty:hidden">
        <Notice />
      </output>
    </div>
  );
}

function Notice() {
  const cutAt = useStore(wire.cutAt);
  const { outages, connection } = useStore(health);
  const [outage] = outages;
  const now = useNow(cutAt !== null || (outage !== undefined && Date.now() - (outage.backAt ?? Date.now()) < SAID_MS));
  if (cutAt !== null)
    return (
      <Said>
        The wire is cut for {Math.max(0, Math.round((now - cutAt) / 1_000))} s. What happens meanwhile is not lost.
      </Said>
    );
  if (connection.status === "closed")
    return (
      <Said isBad>The server closed the connection: {connection.reason || connection.code}. Reload to try again.</Said>
    );
  if (!outage || now - (outage.backAt ?? now) >= SAID_MS) return null;
  return (
    <Said isGood={outage.isOver && outage.gaps === 0}>
      {inWords(outage)}
      {outage.isOver && outage.gaps === 0 && ". Nothing was lost."}
    </Said>
  );
}

const Said = (props: { isGood?: boolean; isBad?: boolean; children: React.ReactNode }) => (
  <div className="figures wrap-anywhere pointer-events-auto flex items-center gap-3 rounded-full border border-line bg-raised px-5 py-2.5 font-medium shadow-float">
    <span
      aria-hidden="true"
      className={`size-2 shrink-0 rounded-full ${props.isGood ? "bg-good" : props.isBad ? "bg-bad" : "bg-wait"}`}
    />
    <span>{props.children}</span>
  </div>
);

/** The time, twice a second while it matters. */
function useNow(doesMatter: boolean): number {
  const [now, tell] = useState(Date.now);
  useEffect(() => {
    if (!doesMatter) return;
    tell(Date.now());
    const timer = setInterval(() => tell(Date.now()), 500);
    return () => clearInterval(timer);
  }, [doesMatter]);
  return Math.max(now, Date.now());
}
