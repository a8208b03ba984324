/**
 * The law of state topics, attacked: per key strictly increasing, and when things come to rest what a reader knows is
 * what holds. Readers of the topic and of its keys come and go; deletions are forgotten; connections are cut.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { News } from "../../src/machine/state.js";
import { feedOf, partsOf } from "../../src/protocol/grammar.js";
import { StateServer, TOPIC } from "./modelServer.js";
import { World } from "./world.js";

type Act = (world: World<StateServer>) => void;

const named = (name: string, act: Act): Act => Object.assign(act, { [fc.toStringMethod]: () => name });
const one = (name: string, act: Act) => fc.constant(named(name, act));
const key = fc.constantFrom("a", "b", "c");
const upTo = (most: number, name: string, act: (world: World<StateServer>, count: number) => void) =>
  fc.nat(most).map((count) => named(`${name} ${count}`, (world) => act(world, count)));

const acts = [
  fc
    .option(key, { nil: undefined })
    .map((which) => named(`follow ${which}`, (world) => world.follow(feedOf(TOPIC, which), {}))),
  one("follow the newest", (world) => world.follow(TOPIC, { last: 3 })),
  upTo(9, "leave", (world, index) => world.leave(index)),
  key.map((which) => named(`publish ${which}`, (world) => world.server.publish(which))),
  key.map((which) => named(`delete ${which}`, (world) => world.server.delete(which))),
  one("deletions are forgotten", (world) => world.server.forgetDeletions()),
  upTo(6, "the client hears", (world, count) => {
    for (let time = 0; time < count; time++) world.deliver();
  }),
  upTo(6, "the client hears at once", (world, count) => world.deliver(count)),
  upTo(3, "the server hears", (world, count) => {
    for (let time = 0; time < count; time++) world.link?.heed();
  }),
  one("the server serves", (world) => world.link?.live()),
  one("the server pings", (world) => world.link?.ping()),
  one("cut", (world) => world.cut()),
  fc.tuple(fc.boolean(), fc.nat(3), fc.nat(9)).map(([isAtRest, unheard, early]) =>
    named(`another leads, ${isAtRest ? "at rest" : "at once"}, without ${unheard}, ${early} early`, (world) => {
      if (isAtRest) world.settle();
      world.handOver(unheard, early);
    }),
  ),
  one("time passes", (world) => world.tell(() => world.page.pass(6_000))),
];

/** What a reader makes of what it was given. */
function known(news: readonly News[]): Map<string, number> {
  const state = new Map<string, number>();
  const newest = new Map<string, number>();
  for (const each of news) {
    if (each.kind === "snapshot") {
      state.clear();
      newest.clear();
    } else if (each.kind === "event") {
      const { key: of = "", sequence, deleted } = each;
      expect(sequence, `${of} went back`).toBeGreaterThan(newest.get(of) ?? -1);
      newest.set(of, sequence);
      if (deleted) state.delete(of);
      else state.set(of, sequence);
    } else if (each.kind === "gap") expect.unreachable("a state topic has no gaps");
  }
  return state;
}

test("at rest a reader knows what holds, whatever happened on the way", () => {
  const property = fc.property(fc.array(fc.oneof(...acts), { maxLength: 40 }), (story) => {
    const world = new World(new StateServer());
    for (const act of story) act(world);
    world.settle();
    for (const { id, feed } of world.page.state.readers.values()) {
      const { key: of } = partsOf(feed);
      const holds = [...world.server.state].filter(([each]) => of === undefined || each === of);
      expect(Object.fromEntries(known(world.page.newsOf(id))), `${id} of ${feed}`).toEqual(Object.fromEntries(holds));
    }
  });
  fc.assert(property, { numRuns: Number(process.env.FAST_CHECK_RUNS ?? 300) });
});
