/** What people decided, asked, promised and claimed: as it is found, by topic, and by words. */

import { useQuery } from "@tanstack/react-query";
import { ExternalLink, Lightbulb, Minus, Search, TrendingDown, TrendingUp } from "lucide-react";
import { useDeferredValue, useMemo, useState } from "react";
import { ask, PAGE, type Page } from "../api/ask.js";
import type { AtomCreated, TopicUpdated } from "../events.js";
import { useKnown } from "../live/known.js";
import { AtomKind } from "../parts/atom.js";
import { Card, Chip, Empty, Facts, TextField, Trouble } from "../parts/basics.js";
import { Chart } from "../parts/chart.js";
import { classes } from "../parts/classes.js";
import { count, date, safeUrl } from "../parts/format.js";
import { type Column, Rows } from "../parts/rows.js";
import { Sheet } from "../parts/sheet.js";

const KINDS = ["decision", "task", "question", "link", "claim"] as const;

/** As the API lists it; an event says besides which of its messages was the first. */
type Atom = Omit<AtomCreated, "message_id">;

type Topic = Pick<TopicUpdated, "id" | "name" | "atoms" | "trend">;

/** Shorter words find everything. */
const SHORTEST = 2;

export default function KnowledgeScreen() {
  const { atoms: newest } = useKnown();
  const [words, search] = useState("");
  const [kind, choose] = useState<string | null>(null);
  const [topic, pick] = useState<Topic | null>(null);
  const [open, show] = useState<Atom | null>(null);
  const wanted = useDeferredValue(words.trim());
  const isSearch = wanted.length >= SHORTEST || topic !== null;
  const found = useQuery({
    queryKey: ["search", wanted, kind, topic?.id],
    queryFn: () => ask<Page<Atom>>("GET", `api/atoms?${queryOf(wanted, kind, topic)}`),
    enabled: isSearch,
    placeholderData: (before) => before,
  });
  const live = useMemo(() => newest.filter((atom) => kind === null || atom.kind === kind), [newest, kind]);
  const shown: readonly Atom[] = isSearch ? (found.data?.items ?? []) : live;
  // Until they are here, those of the search before stay: less flickers so.
  const isSearching = isSearch && found.isPlaceholderData;

  return (
    <>
      <div className="grid gap-4 sm:gap-5 xl:grid-cols-3">
        <Card title="Found over time" className="xl:col-span-2">
          <OverTime atoms={newest} />
        </Card>
        <Card title="Topics" isFlush>
          <Topics picked={topic} onPick={pick} />
        </Card>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        {KINDS.map((each) => (
          <Chip key={each} isOn={kind === each} onToggle={() => choose(kind === each ? null : each)}>
            {each}
          </Chip>
        ))}
        {topic && (
          <Chip isOn onToggle={() => pick(null)}>
            about {topic.name} ×
          </Chip>
        )}
        <output className="min-w-20 text-right text-quiet text-xs sm:ml-auto max-sm:hidden">
          {isSearching && "Searching…"}
        </output>
        <TextField
          type="search"
          aria-label="Search the knowledge"
          placeholder="Words, in any language"
          className="sm:max-w-72"
          value={words}
          onChange={(event) => search(event.target.value)}
        />
      </div>
      {found.error && isSearch && <Trouble title="The search failed">{found.error.message}</Trouble>}
      <Card isFlush className={classes("overflow-hidden", isSearching && "opacity-60")}>
        <Rows
          label={isSearch ? "Atoms found" : "Atoms, newest first"}
          rows={shown}
          idOf={({ id }) => id}
          columns={columns(show)}
          grid="grid-cols-[4.5rem_minmax(0,1fr)] sm:grid-cols-[4.5rem_minmax(0,1fr)_9rem] lg:grid-cols-[4.5rem_minmax(0,1fr)_10rem_8rem_7rem]"
          height="h-[30rem]"
          empty={
            isSearch ? (
              <Empty icon={Search} title={found.isPending ? "Searching" : "Nothing was found"} />
            ) : (
              <Empty icon={Lightbulb} title="No knowledge yet">
                What people decide, ask, promise and claim appears here as messages are read.
              </Empty>
            )
          }
        />
      </Card>
      <AtomSheet atom={open} onClose={() => show(null)} />
    </>
  );
}

function queryOf(words: string, kind: string | null, topic: Topic | null): string {
  const query = new URLSearchParams({ limit: "200" });
  if (words.length >= SHORTEST) query.set("q", words);
  if (kind) query.set("kind", kind);
  if (topic) query.set("topic_id", topic.id);
  return query.toString();
}

const columns = (show: (atom: Atom) => void): readonly Column<Atom>[] => [
  { head: "Kind", cell: ({ kind }) => <AtomKind kind={kind} /> },
  {
    head: "What",
    cell: (atom) => (
      <button
        type="button"
        dir="auto"
        onClick={() => show(atom)}
        className="block w-full truncate rounded text-start after:absolute after:inset-0 focus-visible:after:outline-2"
      >
        {atom.title}
      </button>
    ),
  },
  { head: "Who", className: "max-sm:hidden text-quiet text-xs", cell: ({ author }) => <bdi>{author ?? "–"}</bdi> },
  { head: "Chat", className: "max-lg:hidden text-quiet text-xs", cell: ({ chat }) => <bdi>{chat ?? "–"}</bdi> },
  {
    head: "When",
    className: "max-lg:hidden figures text-right text-quiet text-xs",
    cell: (atom) => (atom.date ? date(atom.date) : "–"),
  },
];

/** Of the days on which there was any. */
const BUCKETS = 40;

function OverTime({ atoms }: { atoms: readonly AtomCreated[] }) {
  const { seconds, lines } = useMemo(() => {
    const dated = atoms.flatMap(({ date: at, kind }) => (at ? [{ at: Date.parse(at) / 1_000, kind }] : []));
    const from = Math.min(...dated.map(({ at }) => at));
    const width = Math.max(1, (Math.max(...dated.map(({ at }) => at)) - from) / (BUCKETS - 1));
    const counts = new Map<string, number[]>(KINDS.map((kind) => [kind, Array.from({ length: BUCKETS }, () => 0)]));
    for (const { at, kind } of dated) {
      const bucket = Math.floor((at - from) / width);
      const values = counts.get(kind);
      if (values) values[bucket] = (values[bucket] ?? 0) + 1;
    }
    return {
      seconds: dated.length > 0 ? Array.from({ length: BUCKETS }, (_, at) => from + at * width) : [],
      lines: [...counts].map(([label, values], at) => ({ label, colour: `--series-${at + 1}`, values })),
    };
  }, [atoms]);
  if (seconds.length === 0) return <Empty icon={TrendingUp} title="Nothing to draw yet" />;
  return (
    <Chart
      label={`How many of the newest ${count(atoms.length)} atoms are of which time, by kind`}
      seconds={seconds}
      lines={lines}
      format={count}
      least={4}
      isDays
    />
  );
}

function Topics({ picked, onPick }: { picked: Topic | null; onPick: (topic: Topic | null) => void }) {
  const { data, error, refetch } = useQuery({
    queryKey: ["topics"],
    queryFn: () => ask<Page<Topic>>("GET", `api/topics?${PAGE}&is_merged=false`),
  });
  const topics = useMemo(
    () => (data?.items ?? []).filter(({ atoms }) => atoms > 0).sort((one, other) => other.atoms - one.atoms),
    [data],
  );
  const most = topics[0]?.atoms ?? 1;
  return (
    <div className="flex h-72 flex-col overflow-y-auto" tabIndex={0} role="region" aria-label="Topics">
      {error ? (
        <div className="p-4">
          <Trouble title="The topics cannot be loaded" action={<RetryButton onRetry={refetch} />}>
            {error.message}
          </Trouble>
        </div>
      ) : topics.length === 0 ? (
        <Empty icon={Lightbulb} title="No topics yet">
          What many atoms are about becomes a topic.
        </Empty>
      ) : (
        <ul>
          {topics.map((topic) => (
            <li key={topic.id} className="border-line border-t">
              <button
                type="button"
                aria-pressed={picked?.id === topic.id}
                onClick={() => onPick(picked?.id === topic.id ? null : topic)}
                className="flex h-12 w-full items-center gap-3 px-4 text-left hover:bg-sunken aria-pressed:bg-sunken sm:px-5"
              >
                <span dir="auto" className="min-w-0 grow truncate">
                  {topic.name}
                </span>
                <span className="h-1.5 w-16 shrink-0 rounded-full bg-line">
                  <span
                    className="block h-full rounded-full bg-mark"
                    style={{ width: `${(100 * topic.atoms) / most}%` }}
                  />
                </span>
                <span className="figures w-8 shrink-0 text-right">{count(topic.atoms)}</span>
                <Trend of={topic.trend} />
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

const TRENDS = { rising: TrendingUp, steady: Minus, falling: TrendingDown };

const Trend = ({ of }: { of: Topic["trend"] }) => {
  const Icon = TRENDS[of];
  return <Icon aria-label={of} className={`size-4 shrink-0 ${of === "rising" ? "text-good" : "text-quiet"}`} />;
};

const RetryButton = ({ onRetry }: { onRetry: () => unknown }) => (
  <button type="button" className="font-medium text-mark hover:underline" onClick={() => onRetry()}>
    Try again
  </button>
);

function AtomSheet({ atom, onClose }: { atom: Atom | null; onClose: () => void }) {
  const address = atom?.url ? safeUrl(atom.url) : null;
  return (
    <Sheet title={atom?.title ?? ""} description={atom?.id} isOpen={atom !== null} onClose={onClose}>
      {atom && (
        <>
          <div>
            <AtomKind kind={atom.kind} />
          </div>
          <p dir="auto" className="whitespace-pre-wrap break-words leading-relaxed">
            <Linked text={atom.text} />
          </p>
          <Facts
            facts={[
              ...(address ? [["Link", <Linked key="link" text={address} />] as const] : []),
              ["Who", <bdi key="who">{atom.author ?? "not told"}</bdi>],
              ["Chat", <bdi key="chat">{atom.chat ?? "not told"}</bdi>],
              ["When", atom.date ? date(atom.date) : "not told"],
              [atom.message_ids.length > 1 ? "Messages" : "Message", atom.message_ids.join(", ")],
            ]}
          />
        </>
      )}
    </Sheet>
  );
}

const ADDRESS = /(\bhttps?:\/\/[^\s<>"']+)/gi;

/** What people wrote, with the addresses in it as links: only to the web, and telling nobody where one comes from. */
export const Linked = ({ text }: { text: string }) =>
  text.split(ADDRESS).map((part, place) => {
    const href = place % 2 === 1 ? safeUrl(part) : null;
    if (href === null) return part;
    return (
      <a
        // biome-ignore lint/suspicious/noArrayIndexKey: parts of one text have no other name
        key={place}
        href={href}
        target="_blank"
        rel="noopener noreferrer nofollow"
        className="break-all text-mark underline"
      >
        {part}
        <ExternalLink aria-label="(opens elsewhere)" className="ml-1 inline size-3.5" />
      </a>
    );
  });
