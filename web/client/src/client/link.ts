/** The link to the server: one connection at a time, opened with credentials, heard, and kept by fresh ones. */

import { renewalMs } from "../machine/backoff.js";
import type { Effect, Input } from "../machine/state.js";
import { decodeServer, encodeClient, textsOf } from "../protocol/codec.js";
import { addressOf, offersOf } from "./address.js";
import { BROKEN, type Ear, overEvents, overSocket, type Wire } from "./carriers.js";
import { makeAlarm, need, type Use } from "./world.js";

type Token = string | null | undefined;

type Opening = Extract<Effect, { kind: "open" }>;

/** What a link needs to know of the server. */
export interface Server {
  readonly url: string;
  /** Credentials, asked for before each attempt; `isFresh`: those of before have run out. */
  readonly getToken?: ((reason: { readonly isFresh: boolean }) => Token | Promise<Token>) | undefined;
}

/** Does what the machine wants of the server. What comes of it is told. */
export type Link = (effect: Exclude<Effect, { kind: "tell" }>) => void;

/** The peer says what is no frame: a bug on one side. */
const PROTOCOL_ERROR = 1002;

export function makeLink({ url, getToken }: Server, use: Use, tell: (input: Input) => void): Link {
  let wire: Wire | undefined;
  // Counts what was opened or dropped, so that an answer which comes too late is known to be of before.
  let era = 0;
  let isProbing = false;
  const renewal = makeAlarm(use);
  const addressed = (beside?: string, asked?: Opening) => addressOf(url, use("location")?.href, beside, asked);

  async function open(asked: Opening): Promise<void> {
    drop();
    const mine = era;
    const lose = (code: number, reason: string) => {
      if (mine !== era) return;
      drop();
      tell({ kind: "lost", code, reason });
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
    tell({ kind: "received", frames });
    for (const frame of frames) if (frame.kind === "auth" && frame.expiresIn !== null) renewIn(frame.expiresIn);
    if (complaint) lose(PROTOCOL_ERROR, complaint);
  }

  /** Fresh credentials on the same connection. Where they come too late, it is closed with 4101, and opened with others. */
  function renewIn(seconds: number): void {
    const mine = era;
    renewal(renewalMs(seconds * 1_000), async () => {
      try {
        const token = await getToken?.({ isFresh: true });
        if (token && mine === era) wire?.send?.(encodeClient({ kind: "auth", token }));
      } catch {}
    });
  }

  function drop(): void {
    era += 1;
    renewal(0);
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
    if (response?.ok || response?.type === "opaque") tell({ kind: "reached" });
  }

  return (effect) => {
    switch (effect.kind) {
      case "send":
        return wire?.send?.(encodeClient(effect.frame));
      case "open":
        return void open(effect);
      case "drop":
        return drop();
      case "probe":
        return void probe();
    }
  };
}
