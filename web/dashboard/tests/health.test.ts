import type { Client, Connection } from "pulse-radar";
import { expect, test, vi } from "vitest";
import type { Events } from "../src/events.js";
import { inWords, makeHealth } from "../src/live/health.js";

const OPEN: Connection = { status: "open", connectionId: "abc12345", since: 0, recovered: true };
const WAITING: Connection = { status: "waiting", attempt: 1, until: 0, code: 1006, reason: "" };

/** A client of which a test says what happens to it, and in which order. */
function fakeClient() {
  let changed = () => {};
  let tell = (_told: unknown) => {};
  const client = {
    connection: OPEN,
    onConnection: (listener: () => void) => {
      changed = listener;
    },
    topic: () => ({
      subscribe: (take: typeof tell) => {
        tell = take;
      },
    }),
  };
  return {
    client: client as unknown as Client<Events>,
    become(connection: Connection) {
      client.connection = connection;
      changed();
    },
    say: (told: unknown) => tell(told),
  };
}

test.each([["before"], ["after"]])("what was replayed is told when the topic catches up %s the connection", (order) => {
  vi.useFakeTimers({ now: 100_000 });
  const { client, become, say } = fakeClient();
  const health = makeHealth(client, ["knowledge"]);
  become(OPEN);
  become(WAITING);
  vi.setSystemTime(104_000);
  const caughtUp = { kind: "subscribed", feed: "knowledge", sequence: 9, replayed: 37 };
  if (order === "before") say(caughtUp);
  become(OPEN);
  if (order === "after") say(caughtUp);
  expect(health.get().outages.map(inWords)).toEqual(["Replayed 37 events after 4.0 s offline"]);
  expect(health.get().replayed).toBe(37);
  vi.useRealTimers();
});
