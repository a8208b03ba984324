/**
 * The law, attacked: what a reader was given plus the gaps it was told of is what was published.
 *
 * Readers of the topic and of its keys come and go, live or after positions; connections are cut with frames on their
 * way; frames come twice or not at all; events expire; streams are lost and made anew.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { Carrier, News } from "../../src/machine/state.js";
import type { Gap } from "../../src/protocol/frames.js";
import { feedOf, partsOf } from "../../src/protocol/grammar.js";
import { ModelServer, ORIGIN, TOPIC } from "./modelServer.js";
import { World } from "./world.js";

function check(world: World<ModelServer>): void {
  for (const [id, from] of world.begins) {
    const feed = world.page.state.readers.get(id)?.feed ?? "";
    const { key } = partsOf(feed);
    const mine = [...world.server.published.keys()].filter(
      (sequence) => key === undefined || world.server.published.get(sequence) === key,
    );
    for (const { seen, gaps } of chapters(world.page.newsOf(id))) {
      expect(seen, `${id} was given events twice or out of order`).toEqual([...new Set(seen)].sort((a, b) => a - b));
      const both = seen.filter((sequence) => gaps.some((gap) => isIn(gap, sequence)));
      expect(both, `${id} was given an event and told that it was missing`).toEqual([]);
    }
    const seen = world.page.seen(id);
    const gaps = world.page.gaps(id);
    const { server } = world;
    const isTold = (sequence: number) =>
      seen.includes(sequence) ||
      gaps.some((gap) => isIn(gap, sequence) || (gap.from === null && isOfBefore(server, sequence, gap.to + 1)));
    const missed = mine.filter((each) => isOfBefore(server, from, each) && !isTold(each));
    expect(missed, `${id} of ${feed} after ${from} missed in silence, with ${seen}`).toEqual([]);
    expect(seen.filter((sequence) => !mine.includes(sequence))).toEqual([]);
    expect(world.readers.get(id)?.at, `${id} was never told where it stands`).toBeDefined();
    if (!world.server.hasLost && !world.hasHoles) expect(gaps, "told of a gap where nothing was lost").toEqual([]);
  }
}

const isIn = (gap: Gap, sequence: number): boolean => gap.from !== null && gap.from <= sequence && sequence <= gap.to;

/** Whether a position was given out before another one: numbers of a later stream may be lower. */
function isOfBefore(server: ModelServer, position: number, other: number): boolean {
  const [stream, later] = [server.streamOf(position), server.streamOf(other)];
  return stream < later || (stream === later && position < other);
}

/** What a reader was given between one reset, after which all that it knew is void, and the next. */
function chapters(news: readonly News[]): { seen: number[]; gaps: Gap[] }[] {
  const all: { seen: number[]; gaps: Gap[] }[] = [{ seen: [], gaps: [] }];
  for (const each of news) {
    if (each.kind === "gap" && each.from === null) all.push({ seen: [], gaps: [] });
    else if (each.kind === "gap") all.at(-1)?.gaps.push(each);
    else if (each.kind === "event") all.at(-1)?.seen.push(each.sequence);
  }
  return all;
}

type Act = (world: World<ModelServer>) => void;

/** An act that says its name in a counterexample. */
const named = (name: string, act: Act): Act => Object.assign(act, { [fc.toStringMethod]: () => name });
const one = (name: string, act: Act) => fc.constant(named(name, act));

const key = fc.constantFrom(undefined, "a", "b");
const upTo = (most: number, name: string, act: (world: World<ModelServer>, count: number) => void) =>
  fc.nat(most).map((count) => named(`${name} ${count}`, (world) => act(world, count)));

const ordinary = [
  key.map((which) => named(`follow ${which} live`, (world) => world.follow(feedOf(TOPIC, which), {}))),
  fc
    .tuple(key, fc.nat(12))
    .map(([which, back]) =>
      named(`follow ${which} from ${back} before the last`, (world) =>
        world.follow(feedOf(TOPIC, which), { after: Math.max(ORIGIN - 1, world.server.last - back) }),
      ),
    ),
  upTo(4, "follow the newest", (world, last) => world.follow(TOPIC, { last })),
  upTo(9, "leave", (world, index) => world.leave(index)),
  fc
    .array(key, { minLength: 1, maxLength: 4 })
    .map((keys) => named(`publish ${keys}`, (world) => keys.forEach((each) => void world.server.publish(each)))),
  upTo(6, "the client hears", (world, count) => {
    for (let time = 0; time < count; time++) world.deliver();
  }),
  upTo(6, "the client hears at once", (world, count) => world.deliver(count)),
  upTo(3, "the server hears", (world, count) => {
    for (let time = 0; time < count; time++) world.link?.heed();
  }),
  one("the server serves", (world) => world.link?.live()),
  one("the server pings", (world) => world.link?.ping()),
  one("the leader says how far it is", (world) => world.beat()),
  one("cut", (world) => world.cut()),
  fc.tuple(fc.boolean(), fc.nat(3), fc.nat(9), fc.nat(2)).map(([isAtRest, unheard, early, whose]) =>
    named(
      `another leads, ${isAtRest ? "at rest" : "at once"}, without ${unheard} of ${whose}, ${early} early`,
      (world) => {
        if (isAtRest) world.settle();
        world.handOver(unheard, early, whose);
      },
    ),
  ),
  upTo(3, "another leads, at a process that is behind by", (world, count) => {
    world.server.fallBehind(count);
    world.handOver(0, 9);
  }),
  upTo(3, "cut, and back at a process that is behind by", (world, count) => {
    world.cut();
    if (!world.link) world.server.fallBehind(count);
  }),
  one("the process catches up", (world) => world.server.catchUp()),
  one("the page is loaded anew", (world) => world.reload()),
  fc
    .constantFrom(100, 6_000, 40_000)
    .map((time) => named(`${time} ms pass`, (world) => world.tell(() => world.page.pass(time)))),
  one("wake", (world) => world.tell(() => world.page.tell({ kind: "woke" }))),
];
const losses = [
  upTo(6, "events expire:", (world, count) => world.server.expire(count)),
  one("garbage is stored", (world) => world.server.publishGarbage()),
  one("the stream is made anew", (world) => world.server.recreate(true)),
];
const rollbacks = [one("the stream is made anew, with lower numbers", (world) => world.server.recreate(false))];
/** An event is lost on the way, or comes twice: what a faulty proxy or a faulty server would do. */
const faults = [
  one("an event is lost", (world) => {
    const first = world.link?.toClient[0];
    // The server vouches for keys; only the order of whole topics can be checked.
    if (first?.kind !== "event" || !world.page.state.lines.has(TOPIC)) return;
    world.hasHoles = true;
    world.link?.toClient.shift();
  }),
  one("an event comes twice", (world) => {
    const first = world.link?.toClient[0];
    if (first?.kind === "event") world.link?.toClient.unshift(first);
  }),
];

function holds(acts: readonly fc.Arbitrary<Act>[], carrier: Carrier = "socket"): void {
  const property = fc.property(fc.array(fc.oneof(...acts), { maxLength: 40 }), (story) => {
    const world = new World(new ModelServer(), carrier);
    for (const act of story) act(world);
    world.server.catchUp();
    // Nobody can miss the last event before there is another one.
    world.server.publish(undefined);
    world.settle();
    check(world);
  });
  fc.assert(property, { numRuns: Number(process.env.FAST_CHECK_RUNS ?? 300) });
}

test("a page comes out exact through cuts, and is told of no gap", () => holds(ordinary));
test("a page knows exactly what it missed when events expire and streams are lost", () =>
  holds([...ordinary, ...losses, ...rollbacks]));
test("a page finds holes by itself, and ignores repeats", () => holds([...ordinary, ...faults]));
test("a page comes out exact through everything at once", () =>
  holds([...ordinary, ...losses, ...rollbacks, ...faults]));
test("a page comes out exact through server-sent events", () =>
  holds([...ordinary, ...losses, ...rollbacks], "events"));
