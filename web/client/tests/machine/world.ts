/** A page, a model of a server and a link between them, which may be cut with frames on their way. */

import { introductions, place, type Readers, tellReaders } from "../../src/client/readers.js";
import { standings } from "../../src/machine/lines.js";
import { type Carrier, type Effect, type Input, initial } from "../../src/machine/state.js";
import type { Start } from "../../src/stream/reader.js";
import { Link, type Server, TOPIC } from "./modelServer.js";
import { Page } from "./page.js";

/** The page, the server and what is between them. */
export class World<S extends Server> {
  readonly page = new Page();
  link: Link | undefined;
  /** What was asked for in each address, oldest first. */
  readonly opened: Extract<Effect, { kind: "open" }>[] = [];
  /** Whether a frame was ever lost on an open connection, which no honest network does. */
  hasHoles = false;
  /** What the pages of the readers know of them. */
  readonly readers: Readers = new Map();
  private count = 0;

  constructor(
    readonly server: S,
    private readonly carrier: Carrier = "socket",
  ) {
    this.begin();
  }

  /** Nothing is connected, and the machine knows nothing. */
  private begin(): void {
    this.link = undefined;
    this.page.state = { ...initial(), carrier: this.carrier };
  }

  /** From which number on a reader must know everything, once it is known. */
  readonly begins = new Map<string, number>();

  /** Tell the machine, and do what it answers. */
  tell(act: () => void): void {
    this.page.effects = [];
    act();
    for (const effect of this.page.effects) this.perform(effect);
    this.note();
  }

  private perform(effect: Effect): void {
    if (effect.kind === "open") {
      this.opened.push(effect);
      this.link = new Link(this.server, effect.feeds, effect.cursor, effect.newest);
    } else if (effect.kind === "drop") this.link = undefined;
    else if (effect.kind === "send") this.link?.toServer.push(effect.frame);
    else if (effect.kind === "tell") for (const news of effect.news) tellReaders(this.readers, effect.readers, news);
  }

  /** From where on a reader must know everything is known as soon as it stands somewhere. */
  private note(): void {
    const { lines, readers } = this.page.state;
    for (const { id, feed, at, last } of readers.values()) {
      const line = lines.get(feed) ?? lines.get(TOPIC);
      // As long as another one is given the newest events, a live reader has not begun.
      const stands = at ?? (line?.asker === undefined ? line?.at : undefined);
      if (stands !== undefined && last === undefined && !this.begins.has(id)) this.begins.set(id, stands);
    }
  }

  follow(feed: string, start: Start): void {
    const id = `r${this.count++}`;
    this.readers.set(id, { feed, start, take: () => {} });
    this.tell(() => {
      this.page.follow(id, feed, start);
      this.page.settle();
    });
  }

  leave(index: number): void {
    const ids = [...this.page.state.readers.keys()];
    const id = ids[index % Math.max(1, ids.length)];
    if (id === undefined) return;
    this.begins.delete(id);
    this.readers.delete(id);
    this.tell(() => {
      this.page.unfollow(id);
      this.page.settle();
    });
  }

  /** So many frames arrive, in one message. */
  deliver(count = 1): boolean {
    const frames = this.link?.toClient.splice(0, count) ?? [];
    if (frames.length > 0) this.tell(() => this.page.receive(...frames));
    return frames.length > 0;
  }

  /**
   * The tab that led is gone, without a word. One of the tabs had not heard the last of its news. One leads, and hears so
   * many frames before it hears of the others; of all it knows no more than their pages were told.
   */
  handOver(unheard: number, early: number, whose = 0): void {
    this.begin();
    this.forget(unheard, whose);
    // Whoever was never told where it began has not begun.
    for (const [id, { at }] of this.readers) if (at === undefined) this.begins.delete(id);
    const [own, ...others] = introductions(this.readers);
    this.introduce(own ? [own] : []);
    this.hear(early);
    this.introduce(others);
  }

  /** The page is loaded anew, and goes on where it was. It cannot tell two readers of one feed apart, so such a page is left alone. */
  reload(): void {
    const feeds = [...this.readers.values()].map(({ feed }) => feed);
    if (new Set(feeds).size < feeds.length) return;
    const stored = place(this.readers, standings(this.page.state));
    this.begin();
    for (const [id, { feed, at, take }] of this.readers) {
      if (at === undefined) this.begins.delete(id);
      else if (stored[feed] === undefined) throw new Error(`nothing was stored of ${feed}, served up to ${at}`);
      this.readers.set(id, { feed, start: { after: stored[feed] }, take });
    }
    this.introduce(introductions(this.readers));
  }

  /** Quiet feeds moved on: the tab that leads says how far. */
  beat(): void {
    place(this.readers, standings(this.page.state));
  }

  private hear(count: number): void {
    this.link?.live();
    this.deliver(count);
  }

  private introduce(inputs: readonly Input[]): void {
    this.tell(() => {
      for (const input of inputs) this.page.tell(input);
      this.page.settle();
    });
  }

  /** One of the readers had not heard the last of its news. */
  private forget(unheard: number, whose: number): void {
    for (const [id, reader] of [...this.readers].slice(whose, whose + 1)) {
      const news = this.page.newsOf(id);
      news.splice(Math.max(0, news.length - unheard));
      reader.at = undefined;
      for (const each of news) tellReaders(this.readers, [id], each);
    }
  }

  cut(): void {
    if (!this.link) return;
    this.link = undefined;
    this.tell(() => this.page.lose());
  }

  /** Until everything that can happen by itself has happened. */
  settle(): void {
    for (let turn = 0; turn < 20_000; turn++) {
      const { link } = this;
      if (link?.toServer.length) link.heed();
      else if (this.deliver()) continue;
      else if (!link && this.page.connection.status === "waiting") this.tell(() => this.page.pass(20_000));
      else if (link) {
        link.live();
        if (link.toClient.length === 0) return;
      } else return;
    }
    throw new Error("never came to rest");
  }
}
