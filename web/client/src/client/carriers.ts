/** What carries frames: a WebSocket, or a stream of server-sent events, which can only be heard. */

import { decodeClose } from "../protocol/codec.js";
import type { EventSourceLike, SocketLike } from "./world.js";

export interface Wire {
  send(text: string): void;
  /** End it. */
  drop(): void;
}

/** Who listens to a wire. */
export interface Ear {
  hear(text: string): void;
  lose(code: number, reason: string): void;
}

/** Control frames come as named events; an event of ours comes without a name, which is `message`. */
const NAMES = ["message", "connection", "subscription", "gap", "snapshot", "ping"];

const BROKEN = 1006;

export function overSocket(socket: SocketLike, ear: Ear): Wire {
  socket.onclose = ({ code, reason }) => ear.lose(code, reason);
  // Frames are text: of anything else the text is no frame.
  socket.onmessage = ({ data }) => ear.hear(String(data));
  return {
    send: (text) => socket.send(text),
    drop() {
      socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}

export function overEvents(source: EventSourceLike, ear: Ear): Wire {
  for (const name of NAMES) source.addEventListener(name, ({ data }) => ear.hear(String(data)));
  // An `error` with data is a frame of ours, one without is the browser's, which would come back by itself, but knows
  // neither other topics nor how long we wait.
  source.addEventListener("error", ({ data }) => (data ? ear.hear(String(data)) : ear.lose(BROKEN, "")));
  source.addEventListener("close", ({ data }) => {
    const { code, reason } = decodeClose(String(data));
    ear.lose(code, reason);
  });
  return { send: () => {}, drop: () => source.close() };
}
