/** Locks tell which tabs live, and whose turn it is to lead: a browser takes them back however a tab ends. */

import type { LocksLike } from "./world.js";

/** Has a lock until it releases it. */
type Holder = (release: () => void) => void;

/** Each answers a promise that ends when the lock is released, and fails where it is taken away or there is none. */
export interface Locks {
  /** The tab of this name lives, as long as it holds the lock. */
  live(tab: string, hold: Holder): Promise<unknown>;
  /** Stand in line for the lock of who leads; or `steal` it. */
  stand(steal: boolean, hold: Holder): Promise<unknown>;
  /** Tell once when this tab lives no more, however often it is watched. */
  watch(tab: string, gone: (tab: string) => void): void;
}

export function makeLocks(locks: LocksLike, leading: string): Locks {
  const watched = new Set<string>();
  const request = (name: string, hold: Holder, steal = false) =>
    locks.request(name, { steal }, () => new Promise<void>(hold));
  const live: Locks["live"] = (tab, hold) => request(`${leading}:${tab}`, hold);
  return {
    live,
    stand: (steal, hold) => request(leading, hold, steal),
    watch(tab, gone) {
      if (watched.has(tab)) return;
      watched.add(tab);
      live(tab, (release) => {
        watched.delete(tab);
        gone(tab);
        release();
      });
    },
  };
}
