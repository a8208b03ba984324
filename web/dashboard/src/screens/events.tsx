/** A live tap: every event of every topic, as it comes over the wire. */

import { Check, Copy, Eraser, Pause, Play, Radio } from "lucide-react";
import { useMemo, useState } from "react";
import { rates, tap } from "../live/client.js";
import { useStore } from "../live/store.js";
import type { Tapped } from "../live/tap.js";
import { colourOf, WATCHED, type Watched } from "../live/topics.js";
import { Button, Card, Empty, Facts, TextField } from "../parts/basics.js";
import { Sparkline } from "../parts/chart.js";
import { classes } from "../parts/classes.js";
import { count, rate, time } from "../parts/format.js";
import { type Column, Rows } from "../parts/rows.js";
import { Sheet } from "../parts/sheet.js";

export default function EventsScreen() {
  const all = useStore(tap);
  const [frozen, freeze] = useState<readonly Tapped[] | null>(null);
  const [hidden, hide] = useState<ReadonlySet<string>>(new Set());
  const [words, search] = useState("");
  const [open, show] = useState<Tapped | null>(null);
  const seen = frozen ?? all;
  const shown = useMemo(() => filtered(seen, hidden, words), [seen, hidden, words]);
  const waiting = useMemo(() => {
    if (!frozen) return 0;
    const last = frozen[0]?.number ?? 0;
    const come = all.findIndex(({ number }) => number <= last);
    return filtered(come < 0 ? all : all.slice(0, come), hidden, words).length;
  }, [all, frozen, hidden, words]);

  const toggle = (topic: Watched) => {
    const next = new Set(hidden);
    if (!next.delete(topic)) next.add(topic);
    hide(next);
  };

  return (
    <>
      <Topics hidden={hidden} onToggle={toggle} />
      <Card
        isFlush
        title="Live tap"
        aside={
          <div className="flex grow flex-wrap items-center justify-end gap-2">
            <TextField
              type="search"
              aria-label="Filter events"
              placeholder="Filter by name, key or content"
              className="max-w-64 max-sm:order-last max-sm:max-w-none"
              value={words}
              onChange={(event) => search(event.target.value)}
            />
            <Button
              icon={frozen ? Play : Pause}
              aria-pressed={frozen !== null}
              onClick={() => freeze(frozen ? null : all)}
              className="figures min-w-26"
            >
              {frozen ? `Go on (${count(waiting)})` : "Pause"}
            </Button>
            <CopyButton label="Copy all" text={() => JSON.stringify(shown.map(jsonOf), null, 2)} />
            <Button
              icon={Eraser}
              aria-label="Clear"
              title="Clear"
              onClick={() => {
                tap.clear();
                freeze(null);
              }}
            />
          </div>
        }
      >
        <Rows
          label="Events, newest first"
          rows={shown}
          idOf={({ number }) => number}
          columns={columns(show)}
          grid="grid-cols-[minmax(0,1fr)_4.5rem] sm:grid-cols-[4.5rem_6.5rem_minmax(0,11rem)_minmax(0,1fr)] xl:grid-cols-[4.5rem_6.5rem_minmax(0,12rem)_minmax(0,12rem)_minmax(0,1fr)]"
          height="h-[32rem]"
          empty={
            seen.length > 0 ? (
              <Empty icon={Radio} title="No event fits the filter">
                {count(seen.length)} events are here that do not.
              </Empty>
            ) : (
              <Empty icon={Radio} title="Listening">
                Every event of every topic appears here as it is published. Try pulse-radar publish.
              </Empty>
            )
          }
        />
      </Card>
      <EventSheet tapped={open} onClose={() => show(null)} />
    </>
  );
}

function filtered(all: readonly Tapped[], hidden: ReadonlySet<string>, words: string): readonly Tapped[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  if (hidden.size === 0 && wanted.length === 0) return all;
  return all.filter(({ event }) => {
    if (hidden.has(event.topic)) return false;
    if (wanted.length === 0) return true;
    const text = `${event.topic} ${event.name} ${event.key ?? ""} ${JSON.stringify(event.data)}`.toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

function Topics({ hidden, onToggle }: { hidden: ReadonlySet<string>; onToggle: (topic: Watched) => void }) {
  const { byTopic, totals } = useStore(rates);
  return (
    <ul aria-label="Topics" className="grid grid-cols-2 gap-2 sm:grid-cols-3 sm:gap-3 lg:grid-cols-4 xl:grid-cols-7">
      {WATCHED.map((topic) => {
        const recent = byTopic[topic].slice(-5);
        const now = recent.reduce((sum, one) => sum + one, 0) / recent.length;
        return (
          <li key={topic} className="min-w-0">
            <button
              type="button"
              aria-pressed={!hidden.has(topic)}
              title={hidden.has(topic) ? `Show ${topic}` : `Hide ${topic}`}
              onClick={() => onToggle(topic)}
              className="flex w-full flex-col gap-1 rounded-card border border-line bg-card px-3.5 py-2.5 text-left shadow-card hover:border-edge aria-[pressed=false]:bg-transparent aria-[pressed=false]:shadow-none"
            >
              <span className="flex items-center gap-2">
                <span
                  aria-hidden="true"
                  className="size-2 shrink-0 rounded-full"
                  style={{ backgroundColor: `var(${colourOf(topic)})` }}
                />
                <span className={classes("truncate", hidden.has(topic) ? "text-quiet line-through" : "font-medium")}>
                  {topic}
                </span>
                <span className="figures ml-auto text-quiet text-xs" title="Since the page was opened">
                  {count(totals[topic])}
                </span>
              </span>
              <span className="figures flex items-center justify-between gap-3 text-quiet text-xs">
                <span className="min-w-11 shrink-0">{rate(now)}/s</span>
                <Sparkline values={byTopic[topic].slice(-60)} colour={colourOf(topic)} />
              </span>
            </button>
          </li>
        );
      })}
    </ul>
  );
}

const columns = (show: (tapped: Tapped) => void): readonly Column<Tapped>[] => [
  {
    head: "Time",
    cell: ({ at }) => <span className="figures text-quiet text-xs">{time(at)}</span>,
    className: "max-sm:order-last max-sm:text-right",
  },
  {
    head: "Topic",
    className: "max-sm:hidden",
    cell: ({ event }) => (
      <span className="inline-flex items-center gap-2 text-xs">
        <span
          aria-hidden="true"
          className="size-2 shrink-0 rounded-full"
          style={{ backgroundColor: `var(${colourOf(event.topic)})` }}
        />
        {event.topic}
      </span>
    ),
  },
  {
    head: "Event",
    cell: (tapped) => (
      <button
        type="button"
        onClick={() => show(tapped)}
        className="max-w-full truncate rounded text-left font-medium after:absolute after:inset-0 focus-visible:after:outline-2"
      >
        {tapped.event.deleted ? "deleted" : tapped.event.name}
      </button>
    ),
  },
  {
    head: "Key",
    className: "max-xl:hidden text-quiet text-xs",
    cell: ({ event }) => <span className="font-mono">{event.key}</span>,
  },
  {
    head: "Data",
    className: "max-sm:hidden text-quiet text-xs",
    cell: ({ event }) => <span className="font-mono">{JSON.stringify(event.data).slice(0, 240)}</span>,
  },
];

const jsonOf = ({ event: { topic, name, key, id, timestampMs, sequence, data, deleted } }: Tapped) => ({
  topic,
  event: name,
  key,
  id,
  ts: timestampMs,
  _seq: sequence,
  deleted,
  data,
});

function EventSheet({ tapped, onClose }: { tapped: Tapped | null; onClose: () => void }) {
  const event = tapped?.event;
  return (
    <Sheet title={event?.name ?? ""} description={event?.id} isOpen={tapped !== null} onClose={onClose}>
      {tapped && event && (
        <>
          <Facts
            facts={[
              ["Topic", event.topic],
              ["Key", event.key ?? "none"],
              ["Sequence", event.sequence],
              ["Published", event.timestampMs === undefined ? "not told" : time(event.timestampMs)],
            ]}
          />
          <pre
            tabIndex={0}
            role="region"
            aria-label="Data"
            dir="auto"
            className="overflow-x-auto rounded-lg bg-sunken p-4 text-xs leading-relaxed"
          >
            {JSON.stringify(event.data, null, 2)}
          </pre>
          <div>
            <CopyButton label="Copy as JSON" text={() => JSON.stringify(jsonOf(tapped), null, 2)} />
          </div>
        </>
      )}
    </Sheet>
  );
}

const SAID_MS = 1_500;

function CopyButton({ label, text }: { label: string; text: () => string }) {
  const [outcome, tell] = useState<"copied" | "refused" | null>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      tell("copied");
    } catch {
      tell("refused");
    }
    setTimeout(tell, SAID_MS, null);
  };
  return (
    <Button icon={outcome === "copied" ? Check : Copy} onClick={copy} className="min-w-30">
      {outcome === "copied" ? "Copied" : outcome === "refused" ? "Not allowed" : label}
    </Button>
  );
}
