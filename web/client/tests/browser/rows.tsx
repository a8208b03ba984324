/** A page with a list of a hundred rows, at a server that says a lot: with our hook, and the same by hand. */

import { createClient, type PulseEvent } from "pulse-radar";
import { PulseProvider, useTopic } from "pulse-radar/react";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const ROWS = 100;

/** When the first and the last event came, when there was a frame since, and how often the page was busy for long. */
const seen = { events: 0, from: 0, to: 0, frames: [] as number[], longTasks: 0 };

const newest = (rows: readonly PulseEvent[], event: PulseEvent): readonly PulseEvent[] => {
  seen.events += 1;
  seen.from ||= performance.now();
  seen.to = performance.now();
  return [event, ...rows].slice(0, ROWS);
};

function List({ rows }: { rows: readonly PulseEvent[] }) {
  return rows.map(({ sequence, data }) => (
    <p key={sequence}>
      {sequence} {JSON.stringify(data)}
    </p>
  ));
}

function Ours() {
  const none: readonly PulseEvent[] = [];
  return (
    <List
      rows={useTopic("knowledge", (rows, told) => (told.kind === "event" ? newest(rows, told) : rows), none, {
        after: 0,
      })}
    />
  );
}

/** As one would write it without us: no cursor, no order, no way back. */
function ByHand() {
  const [shown, show] = useState<readonly PulseEvent[]>([]);
  useEffect(() => {
    let rows: readonly PulseEvent[] = [];
    let isDue = false;
    const socket = new WebSocket(`ws://${location.host}/ws?topics=knowledge&lastSeq=knowledge:0`);
    socket.onmessage = ({ data }) => {
      const frame = JSON.parse(data);
      if (!("_seq" in frame)) return;
      rows = newest(rows, { ...frame, sequence: frame._seq });
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        show(rows);
      });
    };
    return () => socket.close();
  }, []);
  return <List rows={shown} />;
}

function watch(): void {
  const frame = () => {
    if (seen.events > 0) seen.frames.push(performance.now());
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
  new PerformanceObserver((list) => {
    seen.longTasks += list.getEntries().length;
  }).observe({ type: "longtask" });
}

function start(isOurs: boolean): void {
  watch();
  const page = isOurs ? (
    <PulseProvider client={createClient({ url: "/ws" })}>
      <Ours />
    </PulseProvider>
  ) : (
    <ByHand />
  );
  createRoot(document.body).render(page);
}

Object.assign(window, { seen, start });
