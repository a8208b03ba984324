/**
 * What the client needs of the world around it: the part of a browser's global object that it uses. Each piece is looked
 * up when it is used, so that fake timers are heeded; what is missing is done without.
 */

/** What we need of a WebSocket. */
export interface SocketLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(text: string): void;
  close(): void;
}

/** What we need of an EventSource. */
export interface EventSourceLike {
  addEventListener(name: string, listener: (event: { data?: unknown }) => void): void;
  close(): void;
}

/** What we need of a BroadcastChannel. */
export interface ChannelLike {
  onmessage: ((event: { data: unknown }) => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** What we need of the Web Locks. */
export interface LocksLike {
  request(name: string, options: { steal?: boolean }, held: () => Promise<void>): Promise<unknown>;
}

/** A browser's global object, as far as we use it. */
export interface World {
  WebSocket: new (url: string, protocols: string[]) => SocketLike;
  EventSource: new (url: string, options: { withCredentials: boolean }) => EventSourceLike;
  BroadcastChannel: new (name: string) => ChannelLike;
  fetch(url: string, options: { mode: "no-cors"; cache: "no-store" }): Promise<{ ok: boolean; type: string }>;
  setTimeout(act: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  addEventListener(name: string, listener: () => void): void;
  removeEventListener(name: string, listener: () => void): void;
  requestAnimationFrame(act: () => void): unknown;
  readonly performance: { now(): number };
  readonly Math: { random(): number };
  readonly Date: { now(): number };
  readonly navigator: { readonly locks?: LocksLike | undefined };
  readonly document: { readonly hidden: boolean };
  readonly location: { readonly href: string };
  readonly sessionStorage: { getItem(name: string): string | null; setItem(name: string, value: string): void };
}

/** What there is wherever JavaScript runs. */
type Everywhere = "Math" | "Date" | "performance" | "setTimeout" | "clearTimeout";

/** A piece of the world, as given or as it is there; undefined where there is none. */
export type Use = <Name extends keyof World>(name: Name) => World[Name] | (Name extends Everywhere ? never : undefined);

/** The pieces that are given, else those of this global object. */
export const using =
  (given: Partial<World> = {}): Use =>
  (name) =>
    given[name] ?? (globalThis as unknown as World)[name];

/** A piece that cannot be done without. */
export function need<Name extends keyof World>(use: Use, name: Name): World[Name] {
  const piece = use(name);
  if (!piece) throw new Error(`no ${name} here: give createClient one`);
  return piece;
}

/** A timer that is set anew each time, for an act in so many milliseconds; for ever is never. */
export function makeAlarm(use: Use): (milliseconds: number, act?: () => void) => void {
  let timer: unknown;
  return (milliseconds, act) => {
    use("clearTimeout")(timer);
    if (act && milliseconds < Number.POSITIVE_INFINITY) timer = use("setTimeout")(act, milliseconds);
  };
}

/** Follow an event of the page, as `online` or `visibilitychange`; answers how to stop. */
export function listen(use: Use, name: string, act: () => void): () => void {
  // Called as functions: browsers refuse their own ones as methods of anything else.
  const [add, remove] = [use("addEventListener"), use("removeEventListener")];
  // What happens to the document bubbles up to the window.
  add?.(name, act);
  return () => remove?.(name, act);
}

/** Do it; what it throws is reported, and stops nobody else. */
export function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}
