/** `bindQueryClient`: whatever a query's answer cannot know makes it stale, once a frame. */

import { QueryClient, QueryObserver } from "@tanstack/query-core";
import { bindQueryClient } from "pulse-radar/react";
import { settled } from "pulse-radar/testing";
import { expect, test } from "vitest";
import { stage } from "./stage.js";

test("events make queries stale, however many come at most once a frame", async () => {
  const { server, client, frame } = stage();
  const queries = new QueryClient();
  let fetches = 0;
  const observer = new QueryObserver(queries, { queryKey: ["atoms", 1], queryFn: async () => ++fetches });
  const leave = observer.subscribe(() => {});
  const stop = bindQueryClient(client, queries, { knowledge: () => [["atoms"]] });
  await settled();
  const before = fetches;
  await frame(() => {
    for (let event = 0; event < 100; event++) server.publish("knowledge", "atom_created", event);
  });
  await settled();
  expect(fetches).toBe(before + 1);
  stop();
  leave();
  await settled();
  expect(server.connections).toBe(0);
});

test("what happened between a fetch and the topic going live makes a query stale", async () => {
  const { server, client, frame } = stage();
  const rows: string[] = [];
  const queries = new QueryClient();
  // The page begins: its query is fetched while the connection is being made.
  const stop = bindQueryClient(client, queries, { knowledge: () => [["atoms"]] });
  const observer = new QueryObserver(queries, { queryKey: ["atoms"], queryFn: () => [...rows] });
  const leave = observer.subscribe(() => {});
  await Promise.resolve();
  rows.push("a1");
  server.publish("knowledge", "atom_created", { title: "a1" });
  await frame();
  await settled();
  await frame();
  expect(server.connections).toBe(1);
  expect(observer.getCurrentResult().data).toEqual(["a1"]);
  stop();
  leave();
});

test("what happens while the first answer is on its way makes the query stale", async () => {
  const { server, client, frame } = stage();
  const rows: string[] = [];
  const queries = new QueryClient();
  const stop = bindQueryClient(client, queries, { knowledge: () => [["atoms"]] });
  await settled();
  await frame();
  expect(server.connections).toBe(1);
  // The server has read its rows, and its answer takes a moment.
  const answers: (() => void)[] = [];
  const observer = new QueryObserver(queries, {
    queryKey: ["atoms"],
    queryFn: () => {
      const read = [...rows];
      return new Promise<string[]>((resolve) => answers.push(() => resolve(read)));
    },
  });
  const leave = observer.subscribe(() => {});
  await settled();
  rows.push("a1");
  await frame(() => server.publish("knowledge", "atom_created", { title: "a1" }));
  for (let round = 0; round < 5; round++) {
    for (const answer of answers.splice(0)) answer();
    await frame();
    await settled();
  }
  expect(observer.getCurrentResult().data).toEqual(["a1"]);
  stop();
  leave();
});
