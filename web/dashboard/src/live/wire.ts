/** The wire between this page and the server, with a place to cut it: to see what becomes of what happens meanwhile. */

import { makeStore, type Store } from "./store.js";

type Message = { data: unknown };
type Loss = { code: number; reason: string };

/** How a connection looks that broke off. */
const BROKEN: Loss = { code: 1006, reason: "the wire is cut" };

export interface Wire {
  /** What a client is to use instead of the browser's own. */
  readonly world: {
    readonly WebSocket: typeof CuttableSocket;
    readonly EventSource: typeof CuttableSource;
    readonly fetch: (url: string, options: { mode: "no-cors"; cache: "no-store" }) => Promise<Response>;
  };
  /** Since when it is cut, in milliseconds since 1970; null while it is whole. */
  readonly cutAt: Store<number | null>;
  cut(): void;
  mend(): void;
}

let cutAt: number | null = null;
const ends = new Set<() => void>();

/** A WebSocket, for as long as the wire is whole. */
class CuttableSocket {
  onmessage: ((event: Message) => void) | null = null;
  onclose: ((event: Loss) => void) | null = null;
  readonly #socket: WebSocket | undefined;

  constructor(url: string, protocols: string[]) {
    if (cutAt !== null) {
      setTimeout(() => this.onclose?.(BROKEN));
      return;
    }
    const socket = new WebSocket(url, protocols);
    const end = () => {
      socket.onmessage = socket.onclose = null;
      socket.close();
      this.onclose?.(BROKEN);
    };
    this.#socket = socket;
    ends.add(end);
    socket.onmessage = (event) => this.onmessage?.(event);
    socket.onclose = (event) => {
      ends.delete(end);
      this.onclose?.(event);
    };
  }

  send(text: string): void {
    this.#socket?.send(text);
  }

  close(): void {
    this.#socket?.close();
  }
}

/** A stream of server-sent events, for as long as the wire is whole. */
class CuttableSource {
  readonly #source: EventSource | undefined;
  #fail: (() => void) | undefined;

  constructor(url: string, options: { withCredentials: boolean }) {
    this.#source = cutAt === null ? new EventSource(url, options) : undefined;
    const end = () => {
      this.close();
      this.#fail?.();
    };
    if (this.#source) ends.add(end);
    else setTimeout(end);
  }

  addEventListener(name: string, listener: (event: { data?: unknown }) => void): void {
    if (name === "error") this.#fail = () => listener({});
    this.#source?.addEventListener(name, (event) => listener(event as MessageEvent));
  }

  close(): void {
    this.#source?.close();
  }
}

const store = makeStore(() => cutAt);

/** The one wire of this page. */
export const wire: Wire = {
  world: {
    WebSocket: CuttableSocket,
    EventSource: CuttableSource,
    fetch: (url, options) => (cutAt === null ? fetch(url, options) : Promise.reject(new TypeError(BROKEN.reason))),
  },
  cutAt: store,
  cut() {
    cutAt ??= Date.now();
    store.changed();
    for (const end of ends) end();
    ends.clear();
  },
  mend() {
    cutAt = null;
    store.changed();
  },
};
