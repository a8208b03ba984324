/** What others publish under the names of ours. */

import { expect, test } from "vitest";
import { jobOf } from "../src/live/jobs.js";

test.each([null, "text", [], {}, { task_id: 3, name: "work" }, { task_id: "a" }])(
  "an event of another maker, %j, is no job and no accident",
  (data) => {
    expect(jobOf({ kind: "event", name: "job_failed", data } as never, new Map())).toBeNull();
  },
);
