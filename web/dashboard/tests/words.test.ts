import { expect, test } from "vitest";
import { inWords, type Outage } from "../src/live/health.js";
import type { Job } from "../src/live/jobs.js";
import { bytes, duration, safeUrl } from "../src/parts/format.js";
import { wordFor } from "../src/parts/job.js";

const outage: Outage = { lostAt: 10_000, backAt: 14_000, replayed: 37, gaps: 0, isOver: true };

test("an interruption is told by how long it was and what was replayed", () => {
  expect(inWords(outage)).toBe("Replayed 37 events after 4.0 s offline");
  expect(inWords({ ...outage, replayed: 1, gaps: 2 })).toBe("Replayed 1 event after 4.0 s offline, 2 gaps");
  expect(inWords({ ...outage, isOver: false })).toBe("Catching up after 4.0 s offline");
  expect(inWords({ ...outage, backAt: null })).toBe("Offline: coming back");
});

test("a job that is to go on later is paused, and not cancelled", () => {
  const job = { state: "cancelled", reason: "paused" } as Job;
  expect(wordFor(job)).toBe("Paused");
  expect(wordFor({ ...job, reason: "wrong file" })).toBe("Cancelled");
});

test("only addresses of the web are links", () => {
  expect(safeUrl("https://example.org/a b")).toBe("https://example.org/a%20b");
  expect(safeUrl("http://example.org")).toBe("http://example.org/");
  for (const text of ["javascript:alert(1)", "data:text/html,x", " java\nscript:alert(1)", "/local", "vbscript:x", ""])
    expect(safeUrl(text)).toBeNull();
});

test("times and sizes are as coarse as people say them", () => {
  expect([0.0123, 4.25, 42, 600, 7_200, 400_000].map(duration)).toEqual([
    "12 ms",
    "4.3 s",
    "42 s",
    "10 min",
    "2 h",
    "5 d",
  ]);
  expect([0, 900, 1_536, 10 * 1_024 ** 2, 5 * 1_024 ** 4].map(bytes)).toEqual([
    "0 B",
    "900 B",
    "1.5 KB",
    "10.0 MB",
    "5.0 TB",
  ]);
});
