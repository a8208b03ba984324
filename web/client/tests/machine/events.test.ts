/** A stream of server-sent events is asked for once for all: what one reader alone lacks is asked for by coming back. */

import { expect, test } from "vitest";
import type { Start } from "../../src/stream/reader.js";
import { ModelServer, ORIGIN, TOPIC } from "./modelServer.js";
import { World } from "./world.js";

function stage(events: number) {
  const server = new ModelServer();
  const world = new World(server, "events");
  for (let event = 0; event < events; event++) server.publish("a");
  const follow = (start: Start) => {
    world.follow(TOPIC, start);
    world.settle();
    return [...world.readers.keys()].at(-1) ?? "";
  };
  const told = (id: string) => ({ seen: world.page.seen(id), gaps: world.page.gaps(id) });
  return { server, world, follow, told };
}

test("the newest n of a young topic are no reset, and are given to nobody twice", () => {
  const { server, world, follow, told } = stage(0);
  const first = follow({});
  server.publish("a");
  server.publish("a");
  world.settle();
  const second = follow({ last: 50 });
  const both = { seen: [ORIGIN, ORIGIN + 1], gaps: [] };
  expect([told(first), told(second)]).toEqual([both, both]);
});

test("that fewer than the newest n are kept is no gap", () => {
  const { server, follow, told } = stage(20);
  server.expire(15);
  const reader = follow({ last: 10 });
  expect(told(reader)).toEqual({ seen: [15, 16, 17, 18, 19].map((nth) => ORIGIN + nth), gaps: [] });
});

test("a page that begins with the newest connects once", () => {
  const { world, follow } = stage(3);
  follow({ last: 2 });
  expect(world.opened).toMatchObject([{ feeds: [TOPIC], cursor: {}, newest: { [TOPIC]: 2 } }]);
});

test("a reader beyond a stream whose numbers went back is told of it, whoever else is behind", () => {
  const { server, world, follow, told } = stage(3);
  const beyond = follow({ after: ORIGIN });
  world.cut();
  server.recreate(false);
  const [first, second] = [server.publish("a"), server.publish("a")];
  const behind = follow({ after: first });
  const reset = { kind: "gap", feed: TOPIC, from: null, to: first - 1, reason: "reset" };
  expect(told(beyond).gaps).toEqual([reset]);
  expect(told(beyond).seen).toEqual([ORIGIN + 1, ORIGIN + 2, first, second]);
  expect(told(behind).seen).toContain(second);
});
