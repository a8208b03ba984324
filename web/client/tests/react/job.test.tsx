/** useJob shows what the events of jobs say: those of protocol/vectors/jobs.json, which the Python tests check, too. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { useJob } from "pulse-radar/react";
import { expect, test } from "vitest";
import { stage } from "./stage.js";

interface Story {
  readonly name: string;
  readonly shown: readonly string[];
  readonly events: readonly { readonly event: string; readonly data: Record<string, unknown> }[];
}

// In a DOM the global URL is the page's, which opens no files.
const file = join(import.meta.dirname, "../../../../protocol/vectors/jobs.json");
const { stories } = JSON.parse(readFileSync(file, "utf8")) as { stories: Story[] };

function Shown() {
  const job = useJob("3f9c");
  if (job === undefined) return <p>unknown</p>;
  const { state, attempt, progress, error, reason, transitions } = job;
  return (
    <p>{JSON.stringify({ state, attempt, done: progress?.done, error, reason, last: transitions.at(-1)?.state })}</p>
  );
}

for (const { name, shown, events } of stories) {
  test(name, async () => {
    const { server, text, render, frame } = stage();
    await render(<Shown />);
    for (const [place, { event, data }] of events.entries()) {
      await frame(() => server.publish("monitoring", event, data as never, { key: "3f9c" }));
      const job = JSON.parse(text());
      expect(job.state).toBe(shown[place]);
      expect(job.last).toBe(job.state);
      expect(job.attempt).toBe(data.attempt);
      expect(job.error ?? null).toBe(data.error ?? null);
      expect(job.reason ?? null).toBe(data.reason ?? null);
    }
  });
}

test("a job that is forgotten is unknown, and facts of an older event do not stay", async () => {
  const { server, text, render, frame } = stage();
  await render(<Shown />);
  const facts = { attempt: 1, progress: null, transitions: [] };
  await frame(() => server.publish("monitoring", "job_failed", { ...facts, error: "no" }, { key: "3f9c" }));
  expect(JSON.parse(text()).error).toBe("no");
  await frame(() => server.publish("monitoring", "job_queued", { ...facts, attempt: 2 }, { key: "3f9c" }));
  expect(JSON.parse(text())).toEqual({ state: "queued", attempt: 2 });
  await frame(() => server.delete("monitoring", "3f9c"));
  expect(text()).toBe("unknown");
});
