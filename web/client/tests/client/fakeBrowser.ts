/** A browser in memory, with what its tabs have in common: any of them may freeze, be slow, or crash. */

import type { ChannelLike, SocketLike, World } from "../../src/client/world.js";
import { type ClientOptions, createClient, type EventTypes } from "../../src/index.js";
import { FakeClock, FakeServer } from "../../src/testing/index.js";

/** Somebody who stands in line for a lock, or holds it. */
interface Waiting {
  readonly tab: FakeTab;
  readonly held: () => Promise<void>;
  readonly fail: (error: Error) => void;
}

/** What the tabs of one browser have in common: locks, and channels between them. */
export class FakeBrowser {
  readonly server = new FakeServer({ topics: ["knowledge", "messages", "monitoring"], state: ["metrics"] });
  readonly tabs: FakeTab[] = [];
  private opened = 0;
  private readonly queues = new Map<string, Waiting[]>();

  /** `luck`: a number, for another chance in each tab. */
  constructor(private readonly luck = 0) {}

  open(options: Partial<ClientOptions<EventTypes>> = {}): FakeTab {
    const tab = new FakeTab(this, options, chanceOf(this.luck + this.opened++));
    this.tabs.push(tab);
    return tab;
  }

  /** Load the page of a tab anew: another one is in its place, with the same session. */
  reload(tab: FakeTab): FakeTab {
    tab.page.dispatchEvent(new Event("pagehide"));
    tab.client.close();
    tab.isDead = true;
    tab.isFrozen = true;
    this.release(tab);
    const next = new FakeTab(this, tab.options, chanceOf(this.luck + this.opened++), tab.session);
    this.tabs.splice(this.tabs.indexOf(tab), 1, next);
    return next;
  }

  /** Of each lock the first in line holds it. */
  request(tab: FakeTab, name: string, isStealing: boolean, held: () => Promise<void>): Promise<unknown> {
    const queue = this.queues.get(name) ?? [];
    this.queues.set(name, queue);
    return new Promise((resolve, fail) => {
      const entry = { tab, held: () => held().then(resolve), fail };
      if (isStealing) queue.splice(0, 1, entry)[0]?.fail(new Error("stolen"));
      else queue.push(entry);
      if (isStealing || queue.length === 1) this.grant(queue);
    });
  }

  release(tab: FakeTab): void {
    for (const queue of this.queues.values()) {
      const isHeld = queue[0]?.tab === tab;
      for (const entry of queue.filter((each) => each.tab === tab)) queue.splice(queue.indexOf(entry), 1);
      if (isHeld) this.grant(queue);
    }
  }

  private grant(queue: Waiting[]): void {
    const [entry] = queue;
    if (!entry) return;
    queueMicrotask(() =>
      entry.held().then(() => {
        if (queue[0] === entry) {
          queue.shift();
          this.grant(queue);
        }
      }),
    );
  }

  /** Let time pass, in steps; even where it is none, what was due happens. */
  async pass(milliseconds: number): Promise<void> {
    const step = Math.min(milliseconds, 500);
    for (let time = 0; time <= milliseconds - step; time += step || 1)
      for (const tab of this.tabs) if (!tab.isFrozen) await tab.clock.advance(step);
  }
}

/** What chance says: something else for each number, and the same each time that a test is run. */
const chanceOf = (number: number): number => (0.5 + number * 0.618) % 1;

/** One page: its own clock, which stands still while it is frozen, and what it was told. */
export class FakeTab {
  readonly page = new EventTarget();
  readonly clock = new FakeClock();
  readonly seen: unknown[] = [];
  readonly client;
  readonly lockNames: string[] = [];
  isFrozen = false;
  /** Its timers fire, but what it is told waits until it `reads`. */
  isBehind = false;
  isDead = false;
  private isReading = false;
  private readonly inbox: (() => void)[] = [];
  private readonly channels: ChannelLike[] = [];

  constructor(
    browser: FakeBrowser,
    readonly options: Partial<ClientOptions<EventTypes>>,
    chance: number,
    /** What is kept as long as the tab is there. */
    readonly session = new Map<string, string>(),
  ) {
    this.clock.chance = chance;
    const tab = this;
    const world: Partial<World> = {
      ...browser.server.world,
      ...this.clock.world,
      sessionStorage: {
        getItem: (name) => session.get(name) ?? null,
        setItem: (name, value) => session.set(name, value),
      },
      addEventListener: (name, act) => tab.page.addEventListener(name, act),
      removeEventListener: (name, act) => tab.page.removeEventListener(name, act),
      navigator: {
        locks: {
          request(name: string, { steal = false }, held: () => Promise<void>) {
            tab.lockNames.push(name);
            return browser.request(tab, name, steal, held);
          },
        },
      },
      WebSocket: class implements SocketLike {
        onmessage: SocketLike["onmessage"] = null;
        onclose: SocketLike["onclose"] = null;
        private readonly inner: SocketLike;
        constructor(url: string) {
          this.inner = new browser.server.world.WebSocket(url);
          this.inner.onmessage = (event) => tab.whenAwake(() => this.onmessage?.(event));
          this.inner.onclose = (event) => tab.whenAwake(() => this.onclose?.(event));
        }
        send(text: string): void {
          this.inner.send(text);
        }
        close(): void {
          this.inner.close();
        }
      },
      BroadcastChannel: class implements ChannelLike {
        onmessage: ChannelLike["onmessage"] = null;
        constructor() {
          tab.channels.push(this);
        }
        postMessage(message: unknown): void {
          if (tab.isDead) return;
          const data = structuredClone(message);
          for (const other of browser.tabs) if (other !== tab) other.deliver(data);
        }
        close(): void {
          tab.channels.splice(tab.channels.indexOf(this), 1);
        }
      },
    };
    this.client = createClient<EventTypes>({
      url: "/ws",
      shared: "anna",
      ...options,
      world: { ...world, ...options.world },
    });
  }

  follow(topic: string): void {
    this.client.topic(topic).subscribe((told) => {
      if (told.kind === "event") this.seen.push(told.data);
      else if (told.kind !== "subscribed") this.seen.push(told.kind);
    });
  }

  private deliver(data: unknown): void {
    queueMicrotask(() =>
      this.whenAwake(() => {
        for (const channel of this.channels) channel.onmessage?.({ data });
      }),
    );
  }

  /** A frozen tab does nothing, and all of it when it thaws. What is said to it meanwhile comes after what it was told before. */
  private whenAwake(act: () => void): void {
    this.inbox.push(act);
    if (!this.isFrozen && !this.isBehind) this.read();
  }

  /** Take so many of the messages that wait. */
  read(count = Number.POSITIVE_INFINITY): void {
    if (this.isReading) return;
    this.isReading = true;
    for (let taken = 0; taken < count; taken++) {
      const act = this.inbox.shift();
      if (!act) break;
      act();
    }
    this.isReading = false;
  }

  thaw(): void {
    this.isFrozen = false;
    this.read();
  }

  /** The process is gone: nobody is told, but its locks and sockets are. */
  crash(browser: FakeBrowser): void {
    this.isDead = true;
    this.isFrozen = true;
    this.channels.splice(0);
    browser.server.cut();
    browser.release(this);
  }
}
