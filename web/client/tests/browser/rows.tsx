/** A page with a list of a hundred rows, at a server that says a lot: with our hook, and the same by hand. */

import { createClient, type PulseEvent } from "pulse-radar";
import { PulseProvider, useTopic } from "pulse-radar/react";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const ROWS = 100;
const EVENTS = 10_000;

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

/** The same events, made here as fast as they would come. */
function Alone() {
  const [shown, show] = useState<readonly PulseEvent[]>([]);
  useEffect(() => {
    let rows: readonly PulseEvent[] = [];
    const begun = performance.now();
    const frame = (now: number) => {
      const due = Math.min(EVENTS, Math.floor((now - begun) * (EVENTS / 1_000)));
      for (let sequence = seen.events + 1; sequence <= due; sequence++) {
        const data = { id: `a${sequence}`, title: `Atom ${sequence}`, confidence: 0.93 };
        rows = newest(rows, { kind: "event", topic: "knowledge", name: "atom_created", data, sequence });
      }
      show(rows);
      if (due < EVENTS) requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
  }, []);
  return <List rows={shown} />;
}

/** As one would write it without us: no cursor, no order, no way back. */
function ByHand({ joined = false }) {
  const [shown, show] = useState<readonly PulseEvent[]>([]);
  useEffect(() => {
    let rows: readonly PulseEvent[] = [];
    let isDue = false;
    const query = `topics=knowledge&lastSeq=knowledge:0${joined ? "&joined=1" : ""}`;
    const socket = new WebSocket(`ws://${location.host}/ws?${query}`);
    socket.onmessage = ({ data }) => {
      for (const text of data.split("\x1e")) {
        const frame = JSON.parse(text);
        if ("_seq" in frame) rows = newest(rows, { ...frame, sequence: frame._seq });
      }
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(() => {
        isDue = false;
        show(rows);
      });
    };
    return () => socket.close();
  }, [joined]);
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

const PAGES = {
  alone: () => <Alone />,
  byHand: () => <ByHand />,
  byHandJoined: () => <ByHand joined />,
  ours: () => (
    <PulseProvider client={createClient({ url: "/ws" })}>
      <Ours />
    </PulseProvider>
  ),
};

function start(name: keyof typeof PAGES): void {
  watch();
  createRoot(document.body).render(PAGES[name]());
}

Object.assign(window, { seen, start });
