/** How it is going, at a glance. */

import { Activity, Lightbulb, PlugZap } from "lucide-react";
import { type ReactNode, useMemo } from "react";
import { Link } from "wouter";
import { WORDS } from "../frame.js";
import { health, metrics, rates } from "../live/client.js";
import { inWords } from "../live/health.js";
import { isAtWork, isOver } from "../live/jobs.js";
import { useKnown } from "../live/known.js";
import { useStore } from "../live/store.js";
import { colourOf, WATCHED } from "../live/topics.js";
import { AtomLine } from "../parts/atom.js";
import { Card, Empty, Facts, Figure } from "../parts/basics.js";
import { Chart, Sparkline } from "../parts/chart.js";
import { bytes, count, duration, milliseconds, rate, time } from "../parts/format.js";
import { JobBadge, jobShare } from "../parts/job.js";

export function Overview() {
  return (
    <>
      <Figures />
      <div className="grid gap-4 sm:gap-5 xl:grid-cols-3">
        <Card title="Events per second" className="xl:col-span-2">
          <EventsChart />
        </Card>
        <Card title="Connection">
          <Health />
        </Card>
        <Card title="Deliveries per second" className="xl:col-span-2">
          <Deliveries />
        </Card>
        <Card title="Processes" isFlush>
          <Processes />
        </Card>
        <Card title="Newest atoms" aside={<More to="/knowledge">All knowledge</More>} className="xl:col-span-2" isFlush>
          <Atoms />
        </Card>
        <Card title="Jobs" aside={<More to="/jobs">All jobs</More>} isFlush>
          <Jobs />
        </Card>
      </div>
    </>
  );
}

const More = ({ to, children }: { to: string; children: ReactNode }) => (
  <Link href={to} className="rounded font-medium text-mark text-xs hover:underline">
    {children}
  </Link>
);

const READING: ReadonlySet<string> = new Set(["counting", "running", "finding_topics"]);

function Figures() {
  const { now } = useStore(rates);
  const { received } = useStore(health);
  const { jobs, ingestions } = useKnown();
  const read = ingestions.reduce((sum, { done }) => sum + done, 0);
  const added = ingestions.reduce((sum, one) => sum + one.added, 0);
  const running = ingestions.filter(({ status }) => READING.has(status)).length;
  const open = jobs.filter((job) => !isOver(job));
  const atWork = open.filter(isAtWork).length;
  const failed = jobs.filter(({ state }) => state === "failed" || state === "lost").length;
  return (
    <dl aria-label="Figures" className="grid grid-cols-2 gap-3 sm:gap-5 lg:grid-cols-4">
      <Figure label="Events a second" value={rate(now)} note={`${count(received)} since it was opened`} />
      <Figure
        label="Messages read"
        value={count(read)}
        note={running > 0 ? `${count(added)} new, still reading` : `${count(added)} new`}
      />
      <Figure
        label="Jobs at work"
        value={count(atWork)}
        note={`${count(open.length - atWork)} waiting, ${count(jobs.length - open.length)} ended`}
      />
      <Figure
        label="Jobs failed"
        value={count(failed)}
        note="in the last 24 hours"
        tone={failed > 0 ? "bad" : undefined}
      />
    </dl>
  );
}

function EventsChart() {
  const { seconds, byTopic, now } = useStore(rates);
  const lines = useMemo(
    () => WATCHED.map((topic) => ({ label: topic, colour: colourOf(topic), values: byTopic[topic] })),
    [byTopic],
  );
  return (
    <Chart
      label={`Events per second on each topic over the last two minutes; ${rate(now)} a second now`}
      seconds={seconds}
      lines={lines}
      format={count}
      least={5}
    />
  );
}

function Deliveries() {
  const sources = useStore(metrics);
  const serving = [...sources.values()].filter(({ now }) => now.layer !== null);
  const longest = Math.max(0, ...serving.map(({ deliveries }) => deliveries.length));
  const second = Math.floor(Date.now() / 1_000);
  // To the browsers of everybody, by each process that serves them.
  const lines = serving.map(({ now, deliveries }, at) => ({
    label: now.source,
    colour: `--series-${(at % 7) + 1}`,
    values: [...Array.from({ length: longest - deliveries.length }, () => null), ...deliveries],
  }));
  if (longest === 0)
    return (
      <div className="flex h-60">
        <Empty icon={Activity} title="No figures yet">
          Each process tells once a second what it does.
        </Empty>
      </div>
    );
  return (
    <Chart
      label="Events delivered per second to all who are connected, by process"
      seconds={Array.from({ length: longest }, (_, at) => second - longest + at)}
      lines={lines}
      format={count}
      least={5}
    />
  );
}

function Processes() {
  const sources = useStore(metrics);
  return (
    <ul aria-label="Processes" tabIndex={0} className="h-64 overflow-y-auto">
      {[...sources.values()].map(({ now, cpu }) => (
        <li key={now.source} className="border-line border-t px-4 py-3 sm:px-5">
          <p className="flex items-baseline justify-between gap-3">
            <span className="truncate font-medium">{now.source}</span>
            <span className="shrink-0 text-quiet text-xs">{now.role}</span>
          </p>
          <p className="figures mt-1 flex items-center gap-3 text-quiet text-xs">
            <span className="w-16 shrink-0">{now.process.cpu_percent.toFixed(0)} % CPU</span>
            <span className="min-w-0 grow">
              <Sparkline values={cpu} colour="--series-3" />
            </span>
            <span className="w-16 shrink-0 text-right">{bytes(now.process.memory_bytes)}</span>
          </p>
          <p className="figures mt-1 truncate text-quiet text-xs">
            {now.layer
              ? `${count(now.layer.connections)} connected, ${bytes(now.layer.unsent_bytes)} unsent, ${count(now.layer.evicted_slow)} evicted`
              : `up for ${duration(now.process.up_seconds)}`}
          </p>
        </li>
      ))}
      {sources.size === 0 && (
        <li className="flex h-full">
          <Empty icon={Activity} title="No process has told of itself" />
        </li>
      )}
    </ul>
  );
}

function Health() {
  const { connection, reconnects, replayed, gaps, outages, trips } = useStore(health);
  return (
    <div className="flex grow flex-col gap-4">
      <Facts
        facts={[
          ["State", WORDS[connection.status]],
          [
            "Round trip",
            <span key="trip" className="flex items-center gap-3">
              <span className="w-14 shrink-0">{trips.length > 0 ? milliseconds(trips.at(-1) ?? 0) : "–"}</span>
              <Sparkline values={trips} colour="--series-1" />
            </span>,
          ],
          ["Reconnects", count(reconnects)],
          ["Replayed", `${count(replayed)} events`],
          ["Gaps", gaps === 0 ? "none" : count(gaps)],
        ]}
      />
      <div
        className="flex h-28 grow flex-col overflow-y-auto border-line border-t pt-3"
        role="region"
        aria-label="Interruptions"
      >
        {outages.length === 0 ? (
          <p className="m-auto flex items-center gap-2 text-center text-quiet text-xs">
            <PlugZap aria-hidden="true" className="size-4 shrink-0" /> Never interrupted. Cut the wire to see it
            recover.
          </p>
        ) : (
          <ul className="flex flex-col gap-1.5 text-xs">
            {outages.map((outage) => (
              <li key={outage.lostAt} className="figures flex justify-between gap-3">
                <span>{inWords(outage)}</span>
                <time className="shrink-0 text-quiet">{time(outage.lostAt)}</time>
              </li>
            ))}
          </ul>
        )}
      </div>
    </div>
  );
}

function Atoms() {
  const { atoms } = useKnown();
  return (
    <div className="flex h-88 flex-col overflow-hidden">
      {atoms.length === 0 ? (
        <Empty icon={Lightbulb} title="No atoms yet">
          What people decide, ask and promise appears here as soon as messages are read.
        </Empty>
      ) : (
        <ul>
          {atoms.slice(0, 8).map((atom, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines stay and their texts move on, so that nothing jumps
            <AtomLine key={place} atom={atom} />
          ))}
        </ul>
      )}
    </div>
  );
}

function Jobs() {
  const { jobs } = useKnown();
  return (
    <div className="flex h-88 flex-col overflow-hidden">
      {jobs.length === 0 ? (
        <Empty icon={Activity} title="No jobs yet">
          Start one with pulse-radar ingest, or by upload.
        </Empty>
      ) : (
        <ul>
          {jobs.slice(0, 8).map((job, place) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines stay and their texts move on, so that nothing jumps
            <li key={place} className="flex h-11 items-center justify-between gap-3 border-line border-t px-4 sm:px-5">
              <bdi className="min-w-0 truncate">{job.about ?? job.name}</bdi>
              <JobBadge job={job} share={jobShare(job)} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
