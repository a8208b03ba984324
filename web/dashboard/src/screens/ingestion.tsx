/** Exports on their way in: upload one, watch it, stop it, go on with it. */

import { Bot, CircleX, FileInput, Pause, Play, RotateCcw, Upload } from "lucide-react";
import { type DragEvent, useMemo, useRef, useState } from "react";
import type { AgentCreated, IngestionProgress } from "../events.js";
import type { Job } from "../live/jobs.js";
import { useKnown } from "../live/known.js";
import { useStore } from "../live/store.js";
import { upload } from "../live/upload.js";
import { ActButton } from "../parts/act.js";
import { Badge, Button, Card, Empty, Labelled, Meter, SelectField, type Tone, Trouble } from "../parts/basics.js";
import { classes } from "../parts/classes.js";
import { bytes, count, duration } from "../parts/format.js";
import { useKept } from "../parts/kept.js";

type Status = IngestionProgress["status"];

/** What it does, as far as its job says more than its last message: that it is to stop, or that its worker is gone. */
type Phase = Status | "stopping" | "lost";

const TONES: Readonly<Record<Phase, Tone>> = {
  queued: "quiet",
  counting: "wait",
  running: "mark",
  finding_topics: "mark",
  stopping: "wait",
  lost: "bad",
  paused: "wait",
  completed: "good",
  failed: "bad",
  cancelled: "quiet",
};

const WORDS: Readonly<Record<Phase, string>> = {
  queued: "Queued",
  counting: "Counting",
  running: "Reading",
  finding_topics: "Finding topics",
  stopping: "Stopping…",
  lost: "Worker lost",
  paused: "Paused",
  completed: "Completed",
  failed: "Failed",
  cancelled: "Cancelled",
};

/** What is said of one that has not begun to read. */
const BEFORE: Readonly<Partial<Record<Phase, string>>> = {
  queued: "It waits for a worker.",
  counting: "Its messages are counted.",
  paused: "Nothing of it is read yet.",
  cancelled: "Nothing of it was read.",
};

const AT_WORK: ReadonlySet<Phase> = new Set(["queued", "counting", "running", "finding_topics"]);

function phaseOf({ status }: IngestionProgress, job: Job | undefined): Phase {
  if (!AT_WORK.has(status)) return status;
  if (job?.state === "cancelling") return "stopping";
  return job?.state === "lost" ? "lost" : status;
}

export default function IngestionScreen() {
  const { ingestions, jobs } = useKnown();
  const jobOf = useMemo(() => new Map(jobs.map((job) => [job.id, job])), [jobs]);
  // A bot is no job, and always new.
  const sinceOf = ({ ingestion_id: id }: IngestionProgress) => jobOf.get(id)?.since ?? Number.MAX_VALUE;
  const shown = [...ingestions].sort((one, other) => sinceOf(other) - sinceOf(one));

  return (
    <>
      <UploadCard />
      <Card
        title="Ingestions"
        isFlush
        aside={<span className="figures text-quiet text-xs">{count(ingestions.length)}</span>}
      >
        {ingestions.length === 0 ? (
          <Empty icon={FileInput} title="Nothing has been read yet">
            Upload the result.json of a Telegram export above, or run pulse-radar ingest result.json.
          </Empty>
        ) : (
          <ul aria-label="Ingestions, newest first">
            {shown.map((one) => (
              <Ingestion key={one.ingestion_id} one={one} phase={phaseOf(one, jobOf.get(one.ingestion_id))} />
            ))}
          </ul>
        )}
      </Card>
      <BotCard />
    </>
  );
}

/** What a bot can and cannot see is Telegram's choice: nobody should have to find it out. */
function BotCard() {
  return (
    <Card
      title={
        <span className="flex items-center gap-2">
          <Bot aria-hidden="true" className="size-4 text-quiet" />A bot that reads along, live
        </span>
      }
    >
      <div className="grid gap-x-8 gap-y-3 text-quiet text-xs sm:grid-cols-2">
        <p className="text-pretty">
          <strong className="font-medium text-ink">It sees</strong> what is said from now on in groups that it is a
          member of, if its privacy mode is off or it is an administrator there; posts of channels where it is an
          administrator; and what people write to it.
        </p>
        <p className="text-pretty">
          <strong className="font-medium text-ink">It does not see</strong> what was said before it came, chats that it
          is not in, secret chats, what other bots say, or what was deleted. For the past there are exports: a message
          that is in both counts once.
        </p>
        <p className="sm:col-span-2">
          Ask @BotFather for a bot, set PULSE_TELEGRAM_TOKEN to its token, and run <code>pulse-radar telegram</code>.
        </p>
      </div>
    </Card>
  );
}

function Ingestion({ one, phase }: { one: IngestionProgress; phase: Phase }) {
  const [why, refuse] = useState<string | null>(null);
  const { ingestion_id: id, status, total, done, added, skipped, rate, eta_seconds: eta, error, fallbacks } = one;
  const isAtWork = AT_WORK.has(phase);
  // A bot is no job: it is stopped where it runs.
  const isJob = !one.is_live;
  const share = status === "completed" ? 1 : total ? Math.min(1, done / total) : status === "counting" ? null : 0;
  const name = one.file ?? one.chat ?? id;
  const isBegun = total !== null || done > 0 || one.is_live;
  const facts = [
    one.is_live ? `${count(done)} messages` : `${count(done)} of ${total === null ? "?" : count(total)} messages`,
    `${count(added)} new`,
    skipped > 0 && `${count(skipped)} known`,
    fallbacks > 0 && `${count(fallbacks)} left to the rules: ${one.fallback_reason}`,
    isJob && status === "running" && `${count(rate)}/s`,
    status === "running" && eta !== null && done < (total ?? 0) && `${duration(eta)} left`,
  ].filter(Boolean);
  return (
    <li className="flex flex-col gap-3 border-line border-t px-4 py-4 sm:px-5">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <div className="min-w-0 grow basis-48">
          <p className="truncate font-medium">
            <bdi>{name}</bdi>
          </p>
          <p className="truncate text-quiet text-xs">
            <bdi>{one.chat ?? id}</bdi>
          </p>
        </div>
        <Badge tone={TONES[phase]} isLive={isAtWork || phase === "stopping"}>
          {one.is_live && status === "running" ? "Reading along" : WORDS[phase]}
        </Badge>
        <div className="flex h-8 gap-2 empty:hidden">
          {isJob && isAtWork && (
            <ActButton isSmall label="Pause" icon={Pause} path={`ingestions/${id}/pause`} onRefused={refuse} />
          )}
          {isJob && status === "paused" && (
            <ActButton isSmall label="Resume" icon={Play} path={`ingestions/${id}/resume`} onRefused={refuse} />
          )}
          {isJob && status === "failed" && !one.is_gone && (
            <ActButton isSmall label="Run again" icon={RotateCcw} path={`jobs/${id}/retry`} onRefused={refuse} />
          )}
          {isJob && (isAtWork || status === "paused") && (
            <ActButton
              isSmall
              isGrave
              variant="danger"
              label="Cancel"
              icon={CircleX}
              path={`ingestions/${id}/cancel`}
              onRefused={refuse}
            />
          )}
        </div>
      </div>
      {isJob && <Meter share={share} label={`How much of ${name} is read`} tone={TONES[phase]} />}
      <p className={classes("figures wrap-anywhere min-h-5 text-xs", status === "failed" ? "text-bad" : "text-quiet")}>
        {error ?? (isBegun ? facts.join(" · ") : BEFORE[phase])}
      </p>
      {why && <Trouble title="That was refused">{why}</Trouble>}
    </li>
  );
}

function UploadCard() {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, hover] = useState(false);
  const state = useStore(upload);
  const [agent, choose] = useState("");
  const agents = useKept<AgentCreated>("agents").data?.items ?? [];
  const able = agents.filter(({ is_enabled: isOn, provider_id: provider }) => isOn && provider !== null);

  const send = (files: FileList | null) => upload.send([...(files ?? [])], agent);
  const drop = (event: DragEvent) => {
    event.preventDefault();
    hover(false);
    send(event.dataTransfer.files);
  };

  return (
    <Card>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the button does the same for whoever drags nothing */}
      <div
        onDragOver={(event) => {
          event.preventDefault();
          hover(true);
        }}
        onDragLeave={() => hover(false)}
        onDrop={drop}
        className={classes(
          "flex min-h-28 flex-wrap items-center gap-x-5 gap-y-3 rounded-lg border border-dashed px-5 py-4 transition-colors",
          isOver ? "border-mark bg-sunken" : "border-edge",
        )}
      >
        <span className="grid size-11 shrink-0 place-content-center rounded-full bg-sunken text-quiet">
          <Upload aria-hidden="true" className="size-5" />
        </span>
        <div className="min-w-0 grow basis-52">
          {state.status === "sending" ? (
            <div className="flex flex-col gap-2">
              <p className="figures truncate font-medium">
                Sending {state.name}: {bytes(state.sent)} of {bytes(state.size)}
              </p>
              <Meter share={state.size > 0 ? state.sent / state.size : null} label={`Upload of ${state.name}`} />
            </div>
          ) : (
            <>
              <p className="font-medium">Drop a Telegram export here</p>
              <p className="text-quiet text-xs">
                The result.json that Telegram Desktop writes. It is read as it comes, and each message counts once.
              </p>
            </>
          )}
        </div>
        <input
          ref={input}
          type="file"
          accept=".json,application/json"
          aria-label="Export to upload"
          className="sr-only"
          tabIndex={-1}
          onChange={(event) => {
            send(event.target.files);
            event.target.value = "";
          }}
        />
        <Button variant="primary" disabled={state.status === "sending"} onClick={() => input.current?.click()}>
          Choose a file
        </Button>
      </div>
      <div className="mt-4 max-w-sm">
        <Labelled
          label="Knowledge is found by"
          hint={
            agent === ""
              ? "Here, without network and at no cost."
              : "Each message goes to the provider of this agent, who may charge for it."
          }
        >
          <SelectField value={agent} onChange={(event) => choose(event.target.value)}>
            <option value="">The rules of Pulse Radar</option>
            {able.map(({ id, name }) => (
              <option key={id} value={id}>
                {name}
              </option>
            ))}
          </SelectField>
        </Labelled>
      </div>
      <output className="block">
        {state.status === "taken" && (
          <p className="mt-3 text-good">{state.name} is uploaded, and read as soon as a worker is free.</p>
        )}
        {state.status === "refused" && (
          <div className="mt-3">
            <Trouble title="It was not taken">{state.why}</Trouble>
          </div>
        )}
      </output>
    </Card>
  );
}
