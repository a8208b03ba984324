/**
 * The promise, attacked in all tabs at once: they come and go, freeze and thaw, are slow with what they are told, are loaded
 * anew, crash; the server is cut off, goes and comes back. Whatever happens, each reader is given every event once and in
 * order, and none is told of a gap.
 */

import fc from "fast-check";
import { expect, test } from "vitest";
import type { TopicOptions } from "../../src/index.js";
import { settled } from "../../src/testing/index.js";
import { FakeBrowser, type FakeTab } from "./fakeBrowser.js";

/** Somebody in a tab who follows a topic, or a key of it, and what it was told. */
class Follower {
  readonly told: string[] = [];
  readonly seen: number[] = [];
  readonly state = new Map<string, number>();
  gaps = 0;
  /** After this position all is its. */
  from: number | undefined;
  stop: () => void;

  constructor(
    public tab: FakeTab,
    readonly topic: string,
    readonly options: TopicOptions,
  ) {
    this.from = options.after as number | undefined;
    this.stop = this.begin(options);
  }

  /** It is there in the page after this one, too, and goes on. */
  move(tab: FakeTab): void {
    this.tab = tab;
    this.state.clear();
    this.stop = this.begin({ key: this.options.key });
  }

  private begin(options: TopicOptions): () => void {
    return this.tab.client.topic(this.topic, options).subscribe((told) => {
      this.told.push("sequence" in told ? `${told.kind} ${told.sequence}` : told.kind);
      if (told.kind === "snapshot") this.state.clear();
      else if (told.kind === "gap") this.gaps += 1;
      else if (told.kind === "subscribed") this.from ??= told.sequence;
      else if (told.kind === "event") {
        this.from ??= told.sequence - 1;
        this.seen.push(told.sequence);
        if (told.deleted) this.state.delete(told.key ?? "");
        else this.state.set(told.key ?? "", told.sequence);
      }
    });
  }
}

interface Published {
  readonly topic: string;
  readonly key: string;
  readonly sequence: number;
  readonly isDeleted: boolean;
}

class World {
  readonly browser: FakeBrowser;
  readonly published: Published[] = [];
  followers: Follower[] = [];

  constructor(luck: number) {
    this.browser = new FakeBrowser(luck);
    for (let tab = 0; tab < 3; tab++) this.open();
  }

  open(): void {
    this.browser.open({ resume: true });
  }

  /** The tab, if it is there. */
  tab(index: number): FakeTab | undefined {
    const tab = this.browser.tabs[index];
    return tab?.isDead ? undefined : tab;
  }

  publish(topic: string, key: string): void {
    const sequence = this.browser.server.publish(topic, "happened", {}, { key });
    this.published.push({ topic, key, sequence, isDeleted: false });
  }

  remove(topic: string, key: string): void {
    this.browser.server.delete(topic, key);
    this.published.push({ topic, key, sequence: this.browser.server.position(topic), isDeleted: true });
  }

  follow(tab: FakeTab, topic: string, options: TopicOptions): void {
    if (!tab.isFrozen) this.followers.push(new Follower(tab, topic, options));
  }

  leave(index: number): void {
    const follower = this.followers[index];
    if (!follower || follower.tab.isFrozen) return;
    follower.stop();
    this.followers.splice(index, 1);
  }

  reload(tab: FakeTab): void {
    const mine = this.followers.filter((follower) => follower.tab === tab);
    // A page cannot tell two who follow the same apart, so such a one is left alone.
    if (tab.isFrozen || tab.isBehind || new Set(mine.map(({ topic }) => topic)).size < mine.length) return;
    const next = this.browser.reload(tab);
    for (const follower of mine) follower.move(next);
  }

  crash(tab: FakeTab): void {
    tab.crash(this.browser);
    this.followers = this.followers.filter((follower) => follower.tab !== tab);
  }

  async settle(): Promise<void> {
    this.browser.server.start();
    for (const tab of this.browser.tabs.filter(({ isDead }) => !isDead)) {
      tab.isBehind = false;
      tab.thaw();
      await settled();
    }
    await this.browser.pass(90_000);
  }

  check(): void {
    for (const { tab, topic, options, told, seen, state, gaps, from } of this.followers) {
      const who = `tab ${this.browser.tabs.indexOf(tab)}, ${topic} ${JSON.stringify(options)}: ${told}`;
      const mine = this.published.filter((each) => each.topic === topic && (!options.key || options.key === each.key));
      if (topic === "metrics") {
        const newest = new Map(mine.map((each) => [each.key, each]));
        const kept = [...newest.values()].filter(({ isDeleted }) => !isDeleted);
        expect([...state].sort(), who).toEqual(kept.map(({ key, sequence }) => [key, sequence]).sort());
      } else {
        expect(from, who).toBeDefined();
        const wanted = mine.filter(({ sequence }) => sequence > (from ?? 0));
        expect(seen, who).toEqual(wanted.map(({ sequence }) => sequence));
        expect(gaps, who).toBe(0);
      }
    }
    expect(this.browser.server.connections).toBeLessThanOrEqual(1);
  }
}

/** A story in all tabs takes ten times as long as one in the machine alone. */
const RUNS = Number(process.env.FAST_CHECK_RUNS ?? 600) / 10;

type Act = (world: World) => unknown;

const one = (name: string, act: Act) => fc.constant(named(name, act));
const named = (name: string, act: Act): Act => Object.assign(act, { [fc.toStringMethod]: () => name });

/** An act on one of the tabs. */
const tabs = (name: string, act: (world: World, tab: FakeTab) => unknown) =>
  fc.nat(3).map((index) =>
    named(`tab ${index} ${name}`, (world) => {
      const tab = world.tab(index);
      return tab && act(world, tab);
    }),
  );

const key = fc.constantFrom("a", "b");
const log = fc.constantFrom("knowledge", "messages");

const acts = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(log, key)
      .map(([topic, of]) => named(`publish ${topic}/${of}`, (world) => world.publish(topic, of))),
  },
  key.map((of) => named(`publish metrics/${of}`, (world) => world.publish("metrics", of))),
  key.map((of) => named(`delete metrics/${of}`, (world) => world.remove("metrics", of))),
  {
    weight: 3,
    arbitrary: fc
      .tuple(log, fc.constantFrom<TopicOptions>({}, { key: "a" }, { last: 3 }, { after: 1_000 }))
      .chain(([topic, options]) =>
        tabs(`follows ${topic} ${JSON.stringify(options)}`, (world, tab) => world.follow(tab, topic, options)),
      ),
  },
  tabs("follows metrics", (world, tab) => world.follow(tab, "metrics", {})),
  tabs("follows metrics/a", (world, tab) => world.follow(tab, "metrics", { key: "a" })),
  fc.nat(9).map((index) => named(`follower ${index} leaves`, (world) => world.leave(index))),
  tabs("freezes", (_, tab) => {
    tab.isFrozen = true;
  }),
  tabs("thaws", (_, tab) => tab.thaw()),
  tabs("is slow", (_, tab) => {
    tab.isBehind = true;
  }),
  tabs("reads", (_, tab) => {
    tab.isBehind = false;
    if (!tab.isFrozen) tab.thaw();
  }),
  tabs("is loaded anew", (world, tab) => world.reload(tab)),
  tabs("crashes", (world, tab) => world.crash(tab)),
  one("another tab is opened", (world) => {
    if (world.browser.tabs.length < 6) world.open();
  }),
  fc.constantFrom(1006, 4000, 1012).map((code) => named(`cut with ${code}`, ({ browser }) => browser.server.cut(code))),
  fc.boolean().map((works) =>
    named(`WebSockets ${works ? "come" : "do not come"} through`, ({ browser }) => {
      browser.server.hasSockets = works;
    }),
  ),
  one("the server stops", ({ browser }) => browser.server.stop()),
  one("the server starts", ({ browser }) => browser.server.start()),
  {
    weight: 3,
    arbitrary: fc
      .constantFrom(500, 3_000, 8_000, 20_000)
      .map((time) => named(`${time} ms pass`, ({ browser }) => browser.pass(time))),
  },
);

test("each tab comes out exact, whatever happens to it and to the others", async () => {
  const property = fc.asyncProperty(fc.nat(99), fc.array(acts, { maxLength: 60, size: "max" }), async (luck, story) => {
    const world = new World(luck);
    for (const act of story) {
      await act(world);
      await settled();
      await world.browser.pass(0);
    }
    await world.settle();
    world.check();
  });
  await fc.assert(property, { numRuns: RUNS });
});
