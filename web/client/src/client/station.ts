/** The shell around the machine: it has the connection and the timer, and does what the machine answers. No rules here. */

import { standings } from "../machine/lines.js";
import { step } from "../machine/machine.js";
import { type Connection, type Effect, type Input, initial, type News } from "../machine/state.js";
import { decodeServer, encodeClient, textsOf } from "../protocol/codec.js";
import type { Positions } from "../protocol/frames.js";
import { addressOf, offersOf } from "./address.js";
import { BROKEN, type Ear, overEvents, overSocket, type Wire } from "./carriers.js";
import { listen, makeAlarm, need, type Use } from "./world.js";

type Token = string | null | undefined;

/** What a station needs to know of the server. */
export interface Server {
  readonly url: string;
  /** Credentials, asked for before each attempt; `isFresh`: those of before have run out. */
  readonly getToken?: ((reason: { readonly isFresh: boolean }) => Token | Promise<Token>) | undefined;
}

/** Whom a station tells what it hears. */
export interface Outlet {
  tell(readers: readonly string[], news: readonly News[]): void;
  /** The connection is another one now. */
  changed(connection: Connection): void;
}

export interface Station {
  handle(input: Input): void;
  /** Up to where all readers of the log topics were served. */
  positions(): Positions;
  /** Leave for good. */
  end(): void;
}

/** The peer says what is no frame: a bug on one side. */
const PROTOCOL_ERROR = 1002;
const NEVER = Number.POSITIVE_INFINITY;
/** Of what credentials still hold a fifth is for whoever answers slowly, and for clocks that differ; a minute is enough. */
const RESERVE = 60_000;
/** Not more often than this, whatever is handed out; and timers of browsers go no further than 24 days. */
const SHORTEST = 1_000;
const LONGEST = 2e9;

export function makeStation(server: Server, use: Use, outlet: Outlet): Station {
  const { url, getToken } = server;
  const inputs: Input[] = [];
  let state = initial();
  let wire: Wire | undefined;
  // Counts what was opened or dropped, so that an answer which comes too late is known to be of before.
  let era = 0;
  let isOnline = true;
  let isBusy = false;
  let isProbing = false;
  const alarm = makeAlarm(use);
  const renewal = makeAlarm(use);
  let armed = NEVER;

  const now = () => use("performance").now();
  const addressed = (beside?: string, asked?: Opening) => addressOf(url, use("location")?.href, beside, asked);

  /** Take inputs one after the other, also those that come of their effects. */
  function handle(input: Input): void {
    inputs.push(input);
    if (isBusy) return;
    isBusy = true;
    for (let next = inputs.shift(); next; next = inputs.shift()) take(next);
    isBusy = false;
    arm();
  }

  function take(input: Input): void {
    const { connection } = state;
    const turn = step(state, input, { now: now(), chance: use("Math").random(), isOnline });
    state = turn.state;
    for (const effect of turn.effects) perform(effect);
    if (state.connection !== connection) outlet.changed(state.connection);
  }

  function perform(effect: Effect): void {
    switch (effect.kind) {
      case "tell":
        return outlet.tell(effect.readers, effect.news);
      case "send":
        return wire?.send?.(encodeClient(effect.frame));
      case "open":
        return void open(effect);
      case "drop":
        return drop();
      case "probe":
        return void probe();
    }
  }

  async function open(asked: Opening): Promise<void> {
    drop();
    const mine = era;
    const lose = (code: number, reason: string) => {
      if (mine !== era) return;
      drop();
      handle({ kind: "lost", code, reason });
    };
    let token: Token;
    try {
      token = await getToken?.({ isFresh: asked.isFresh });
    } catch (error) {
      return lose(BROKEN, `${error}`);
    }
    if (mine === era) wire = dial(asked, token, { hear: ({ data }) => mine === era && hear(`${data}`, lose), lose });
  }

  function dial(asked: Opening, token: Token, ear: Ear): Wire {
    return asked.carrier === "socket"
      ? overSocket(new (need(use, "WebSocket"))(addressed(undefined, asked), offersOf(token)), ear)
      : overEvents(new (need(use, "EventSource"))(addressed("events", asked), { withCredentials: true }), ear);
  }

  /** Frames are text: of anything else the text is no frame. */
  function hear(message: string, lose: Ear["lose"]): void {
    const frames: ReturnType<typeof decodeServer>[] = [];
    let complaint = "";
    try {
      for (const text of textsOf(message)) frames.push(decodeServer(text));
    } catch (error) {
      complaint = `${error}: ${message.slice(0, 80)}`;
    }
    handle({ kind: "received", frames });
    for (const frame of frames) if (frame.kind === "auth" && frame.expiresAt) renewBefore(frame.expiresAt);
    if (complaint) lose(PROTOCOL_ERROR, complaint);
  }

  /** Fresh credentials on the same connection. Where they come too late, it is closed with 4101, and opened with others. */
  function renewBefore(expiresAt: number): void {
    const mine = era;
    const left = expiresAt * 1_000 - use("Date").now();
    renewal(Math.min(Math.max(left - Math.min(left / 5, RESERVE), SHORTEST), LONGEST), async () => {
      try {
        const token = await getToken?.({ isFresh: true });
        if (token && mine === era) wire?.send?.(encodeClient({ kind: "auth", token }));
      } catch {}
    });
  }

  function drop(): void {
    era += 1;
    renewal(NEVER);
    wire?.close();
    wire = undefined;
  }

  /** One at a time: what was held up with several attempts is one answer. Of another origin we learn only that it answered. */
  async function probe(): Promise<void> {
    if (isProbing) return;
    isProbing = true;
    const response = await use("fetch")?.(addressed("health"), { mode: "no-cors", cache: "no-store" }).catch(
      () => undefined,
    );
    isProbing = false;
    if (response?.ok || response?.type === "opaque") handle({ kind: "reached" });
  }

  /** An alarm for when the machine wants to know the time; one that comes earlier is as good. */
  function arm(): void {
    const { due } = state;
    if (armed <= due && due < NEVER) return;
    armed = due;
    alarm(due - now(), () => {
      armed = NEVER;
      handle({ kind: "ticked" });
    });
  }

  const woke = () => handle({ kind: "woke" });
  const turnOnline = (is: boolean) => () => {
    isOnline = is;
    // What is open may be dead now, or may not: it is asked.
    woke();
  };
  const ends = [
    listen(use, "offline", turnOnline(false)),
    listen(use, "online", turnOnline(true)),
    listen(use, "pageshow", woke),
    listen(use, "visibilitychange", () => use("document")?.hidden || woke()),
  ];

  return {
    handle,
    positions: () => standings(state),
    end() {
      for (const end of ends) end();
      handle({ kind: "close" });
    },
  };
}

type Opening = Extract<Effect, { kind: "open" }>;
