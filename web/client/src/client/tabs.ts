/**
 * One connection for all tabs of a person. The tab that holds a lock leads: it has the connection and tells the others
 * what it hears. A new leader is told by each tab where its readers are, so that nobody misses or repeats anything: a tab
 * takes only what that leader answers to its newest introduction, since all of that follows on where its readers were then.
 * Each tab holds a lock of its own, too: the leader that gets it knows that the tab is gone, however it went.
 */

import type { Input } from "../machine/state.js";
import type { Positions } from "../protocol/frames.js";
import { type Leader, makeLeader } from "./leading.js";
import { makeLocks } from "./locks.js";
import { introductions, place, type Readers } from "./readers.js";
import type { Outlet, Station } from "./station.js";
import { type Beat, byOurClock, type Message } from "./talk.js";
import { listen, makeAlarm, type Use } from "./world.js";

/** Two beats may be late, in the background even more: so the leader is asked, and answers even there. News are signs of life, too. */
const SILENCE_MS = 12_000;

/** A leader that does not answer within this time is frozen or gone. */
const ANSWER_MS = 3_000;

/** What this tab is among the others. */
type Role =
  /** It knows of no leader. */
  | { readonly kind: "seeking" }
  /** `said`: what it last heard of the connection, as text. */
  | { readonly kind: "following"; readonly leader: string; readonly said: string }
  /** It has the connection of all, until the lock is released. */
  | { readonly kind: "leading"; readonly leader: Leader; readonly release: () => void };

const SEEKING: Role = { kind: "seeking" };

/**
 * A tab among others: a station, whoever has it; or one of its own where tabs cannot talk or take turns.
 * `name`: one that no other tab has, with which the ids of its readers begin.
 */
export function joinTabs(
  name: string,
  lock: string,
  use: Use,
  readers: Readers,
  outlet: Outlet,
  makeStation: (outlet: Outlet) => Station,
): Station {
  const granting = use("navigator")?.locks;
  const Channel = use("BroadcastChannel");
  if (!granting || !Channel) return makeStation(outlet);
  const channel = new Channel(lock);
  const locks = makeLocks(granting, lock);
  let role = SEEKING;
  // As the leader knows them, whoever that is.
  let positions: Positions = {};
  let isEnded = false;
  let introduced = 0;
  const ends: (() => void)[] = [];

  const post = (message: Message) => channel.postMessage(message);
  const random = () => use("Math").random();
  const later = makeAlarm(use);

  function handle(input: Input): void {
    if (role.kind === "leading") role.leader.station.handle(input);
    else if (role.kind === "following")
      post({ input: input.kind === "follow" ? { ...input, id: alias(input.id) } : input });
  }

  /** What the leader calls it: otherwise after each introduction, so that what it answers to an earlier one is nobody's. */
  const alias = (id = "") => `${id}:${introduced}`;
  const known = (called: string) => (called.endsWith(alias()) ? called.slice(0, -alias().length) : "");

  /** Stand in line for the lock, or take it from who does not answer. Leading ends when it is taken away. */
  function stand(steal: boolean): void {
    locks.stand(steal, lead).catch(() => {
      if (isEnded) return;
      stepDown();
      stand(false);
      ask();
    });
  }

  function lead(release: () => void): void {
    if (isEnded || role.kind === "leading") return release();
    const leader = makeLeader(alias(name), use, post, outlet, makeStation);
    role = { kind: "leading", leader, release };
    later(0);
    introduce();
    leader.beat();
  }

  function stepDown(): void {
    const before = role;
    role = SEEKING;
    if (before.kind !== "leading") return;
    positions = before.leader.station.positions();
    // Quiet feeds moved on without a word to their readers.
    place(readers, positions);
    before.leader.end();
    before.release();
  }

  /** Tell the leader who reads here, and from where; whatever it was told before is void. */
  function introduce(): void {
    introduced += 1;
    handle({ kind: "unfollow", id: name });
    for (const input of introductions(readers)) handle(input);
    handle({ kind: "settle" });
  }

  /** The page goes, perhaps to come back: the leader need not hear what only this one follows. */
  function leave(): void {
    if (role.kind === "leading") return;
    forget(name);
    role = SEEKING;
  }

  function forget(tab: string): void {
    handle({ kind: "unfollow", id: tab });
    handle({ kind: "settle" });
  }

  function hear(message: Message): void {
    if (role.kind === "leading") {
      if ("ask" in message) role.leader.beat();
      else if ("input" in message) serve(message.input);
    } else if ("connection" in message) follow(message);
    else if ("news" in message && role.kind === "following" && role.leader === message.leader) {
      outlet.tell(message.readers.map(known), message.news);
      lives();
    }
  }

  function serve(input: Input): void {
    handle(input);
    if (input.kind === "follow") locks.watch(input.id.replace(/:.*/, ""), forget);
  }

  function follow(beat: Beat): void {
    const { leader } = beat;
    const before = role;
    const isKnown = before.kind === "following" && before.leader === leader;
    const said = JSON.stringify(beat.connection);
    // Of a feed that a new leader has not heard of yet, what the one before it said holds.
    positions = { ...positions, ...beat.positions };
    role = { kind: "following", leader, said };
    if (isKnown) place(readers, positions);
    else introduce();
    if (!isKnown || before.said !== said) outlet.changed(byOurClock(beat, use));
    lives();
  }

  /** The leader is there: what it said last may have waited here behind a lot of news. */
  const lives = () => later(SILENCE_MS + random() * ANSWER_MS, ask);

  /** Ask for the leader, and take its place if there is no answer. */
  function ask(): void {
    if (role.kind === "leading") return;
    post({ ask: true });
    later(ANSWER_MS * (1 + random()), () => stand(true));
  }

  /** Be one of the tabs, as long as the page lives. */
  function join(die: () => void): void {
    if (isEnded) return die();
    channel.onmessage = ({ data }) => hear(data as Message);
    ends.push(listen(use, "pagehide", leave), listen(use, "pageshow", ask), die);
    stand(false);
    ask();
  }

  // Nothing is said before the lock is held: who asks for it would take this tab for dead. Who may have none is alone.
  locks.live(name, join).catch(() => lead(() => {}));

  return {
    handle,
    positions: () => (role.kind === "leading" ? role.leader.station.positions() : positions),
    end() {
      isEnded = true;
      leave();
      stepDown();
      later(0);
      channel.close();
      for (const end of ends) end();
    },
  };
}
