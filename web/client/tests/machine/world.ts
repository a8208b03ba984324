/** A page, a model of a server and a link between them, which may be cut with frames on their way. */

import type { Effect } from "../../src/machine/state.js";
import { Link, type Server, TOPIC } from "./modelServer.js";
import { Page } from "./page.js";

/** The page, the server and what is between them. */
export class World<S extends Server> {
  readonly page = new Page();
  link: Link | undefined;
  /** Whether a frame was ever lost on an open connection, which no honest network does. */
  hasHoles = false;
  private readers = 0;

  constructor(readonly server: S) {}

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
    if (effect.kind === "open") this.link = new Link(this.server, effect.feeds, effect.cursor);
    else if (effect.kind === "drop") this.link = undefined;
    else if (effect.kind === "send") this.link?.toServer.push(effect.frame);
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

  follow(feed: string, start: { after?: number; last?: number }): void {
    const id = `r${this.readers++}`;
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
