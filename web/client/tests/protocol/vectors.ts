/** The files in protocol/vectors, which the Python tests read, too. */

import { readFileSync } from "node:fs";
import type { ClientFrame, ServerFrame } from "../../src/protocol/frames.js";

const DIRECTORY = new URL("../../../../protocol/vectors/", import.meta.url);

export const load = <T>(name: string): T => JSON.parse(readFileSync(new URL(`${name}.json`, DIRECTORY), "utf8")) as T;

export interface Frame {
  name: string;
  text: string;
  frame: Record<string, unknown>;
}

/** What a server's frame means, in the words of the vectors: what is absent is null. */
export function serverMeaning(frame: ServerFrame): Record<string, unknown> {
  switch (frame.kind) {
    case "event": {
      const { name: event, key = null, id = null, timestampMs = null, ...rest } = frame;
      return { ...rest, event, key, id, timestampMs };
    }
    case "ping":
      return { kind: frame.kind, timestampMs: frame.timestampMs ?? null, lastSeq: frame.lastSeq ?? {} };
    case "pong":
      return { kind: frame.kind, timestampMs: frame.timestampMs ?? null };
    case "error":
      return { ...frame, topic: frame.topic ?? null };
    default:
      return { ...frame };
  }
}

/** What a client's frame means, in the words of the vectors. */
export function clientMeaning(frame: ClientFrame): Record<string, unknown> {
  switch (frame.kind) {
    case "subscribe":
      return { ...frame, after: frame.after ?? null, last: frame.last ?? null };
    case "ping":
      return { kind: frame.kind, timestampMs: frame.timestampMs ?? null };
    default:
      return { ...frame };
  }
}
