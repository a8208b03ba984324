/** What carries frames: a WebSocket, or a stream of server-sent events, which can only be heard. */

import type { EventSourceLike, SocketLike } from "./world.js";

export interface Wire {
  send?(text: string): void;
  close(): void;
}

/** Who listens to a wire. */
export interface Ear {
  hear(event: { data?: unknown }): void;
  lose(code: number, reason: string): void;
}

/**
 * Control frames come as named events; an event of ours comes without a name, which is `message`. Not heard is `auth`,
 * which asks for fresh credentials: a stream cannot send any.
 */
const NAMES = ["message", "connection", "subscription", "gap", "snapshot", "ping", "error", "close"];

/** Nobody said why. */
export const BROKEN = 1006;

export function overSocket(socket: SocketLike, { hear, lose }: Ear): Wire {
  socket.onclose = ({ code, reason }) => lose(code, reason);
  socket.onmessage = hear;
  return socket;
}

export function overEvents(source: EventSourceLike, { hear, lose }: Ear): Wire {
  // An `error` with data is a frame of ours, one without is the browser's, which would come back by itself, but knows
  // neither other topics nor how long we wait.
  const listener: Ear["hear"] = (event) => (event.data ? hear(event) : lose(BROKEN, ""));
  for (const name of NAMES) source.addEventListener(name, listener);
  return source;
}
