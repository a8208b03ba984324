/**
 * One connection for all tabs of a person. The tab that holds a lock leads: it has the connection and tells the others
 * what it hears. A new leader is told by each tab where its readers are, so that nobody misses or repeats anything.
 * Each tab holds a lock of its own, too: the leader that gets it knows that the tab is gone, however it went.
 */

import type { Connection, Input, News } from "../machine/state.js";
import type { Positions } from "../protocol/frames.js";
import { introductions, place, type Readers } from "./readers.js";
import type { Outlet, Station } from "./station.js";
import { type ChannelLike, type LocksLike, listen, makeAlarm, type Use } from "./world.js";

/** A leader says so often that it is there. */
const BEAT_MS = 5_000;

/** Two beats may be late, in the background even more: so the leader is asked, and answers even there. */
const SILENCE_MS = 12_000;

/** A leader that does not answer within this time is frozen or gone. */
const ANSWER_MS = 3_000;

type Message =
  | { readonly input: Input }
  /** Is there a leader? */
  | { readonly ask: true }
  | { readonly leader: string; readonly readers: readonly string[]; readonly news: readonly News[] }
  | { readonly leader: string; readonly connection: Connection; readonly positions: Positions };

/** A tab among others: a station, whoever has it. `name`: one that no other tab has, with which the ids of its readers begin. */
export function joinTabs(
  name: string,
  lock: string,
  channel: ChannelLike,
  locks: LocksLike,
  use: Use,
  readers: Readers,
  outlet: Outlet,
  makeStation: (outlet: Outlet) => Station,
): Station {
  // The connection of all tabs, while this one leads.
  let station: Station | undefined;
  let leader: string | undefined;
  let connection: Connection = { status: "connecting", attempt: 0 };
  let positions: Positions = {};
  let release = () => {};
  let die = () => {};
  let isEnded = false;
  /** The tabs whose end this one will be told of. */
  const watched = new Set<string>();
  const ends: (() => void)[] = [];
  const lockOf = (tab: string) => `${lock}:${tab}`;

  const post = (message: Message) => channel.postMessage(message);
  const random = () => use("Math").random();
  const later = makeAlarm(use);

  function handle(input: Input): void {
    if (station) station.handle(input);
    else if (leader !== undefined) post({ input });
  }

  /** Stand in line for the lock, or take it from who does not answer. Leading ends when it is taken away. */
  function stand(steal: boolean): void {
    const held = () => {
      if (isEnded || station) return Promise.resolve();
      lead();
      return new Promise<void>((resolve) => {
        release = resolve;
      });
    };
    const taken = () => {
      if (isEnded) return;
      stepDown();
      stand(false);
      ask();
    };
    locks.request(lock, steal ? { steal } : {}, held).catch(taken);
  }

  function lead(): void {
    leader = name;
    station = makeStation({
      tell(ids, news) {
        outlet.tell(ids, news);
        post({ leader: name, readers: ids, news });
      },
      changed(changed) {
        // A station that this tab gave up is nobody's news.
        if (!station) return;
        outlet.changed(changed);
        beat();
      },
    });
    introduce();
    beat();
  }

  function stepDown(): void {
    const before = station;
    station = undefined;
    leader = undefined;
    before?.end();
    release();
  }

  /** Tell the leader who reads here, and from where. */
  function introduce(): void {
    for (const input of introductions(readers)) handle(input);
    handle({ kind: "settle" });
  }

  /** The page goes, perhaps to come back: the leader need not hear what only this one follows. */
  function leave(): void {
    if (station) return;
    forget(name);
    leader = undefined;
  }

  function forget(tab: string): void {
    handle({ kind: "unfollow", id: tab });
    handle({ kind: "settle" });
  }

  /** Forget a tab when it lets go of its lock. */
  function watch(tab: string): void {
    if (watched.has(tab)) return;
    watched.add(tab);
    const gone = async () => {
      watched.delete(tab);
      forget(tab);
    };
    locks.request(lockOf(tab), {}, gone);
  }

  function hear(message: Message): void {
    if ("ask" in message) beat();
    else if ("input" in message) serve(message.input);
    else if (station) return;
    else if ("connection" in message) follow(message.leader, message.connection, message.positions);
    else if (message.leader === leader) outlet.tell(message.readers, message.news);
  }

  function serve(input: Input): void {
    station?.handle(input);
    if (station && input.kind === "follow") watch(input.id.replace(/:.*/, ""));
  }

  function follow(whom: string, itsConnection: Connection, itsPositions: Positions): void {
    connection = itsConnection;
    positions = itsPositions;
    if (leader === whom) place(readers, positions);
    else {
      leader = whom;
      introduce();
    }
    outlet.changed(connection);
    later(SILENCE_MS + random() * ANSWER_MS, ask);
  }

  /** Ask for the leader, and take its place if there is no answer. */
  function ask(): void {
    if (station) return;
    post({ ask: true });
    later(ANSWER_MS * (1 + random()), () => stand(true));
  }

  function beat(): void {
    if (!station) return;
    post({ leader: name, connection: station.connection(), positions: station.positions() });
    later(BEAT_MS, beat);
  }

  /** Be one of the tabs. */
  function join(): Promise<void> {
    if (isEnded) return Promise.resolve();
    channel.onmessage = ({ data }) => hear(data as Message);
    ends.push(listen(use, "pagehide", leave), listen(use, "pageshow", ask));
    stand(false);
    ask();
    return new Promise((resolve) => {
      die = resolve;
    });
  }

  // Nothing is said before the lock is held: who asks for it would take this tab for dead. Who may have none is alone.
  locks.request(lockOf(name), {}, join).catch(() => isEnded || lead());

  return {
    handle,
    connection: () => station?.connection() ?? connection,
    positions: () => station?.positions() ?? positions,
    end() {
      isEnded = true;
      leave();
      stepDown();
      later(0);
      for (const end of ends) end();
      channel.close();
      die();
    },
  };
}
