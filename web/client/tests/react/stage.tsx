/** A page in a DOM, at a server in memory. */

import { createClient, type RegisteredEvents } from "pulse-radar";
import { PulseProvider } from "pulse-radar/react";
import { FakeClock, FakeServer, settled } from "pulse-radar/testing";
import { act, type ReactNode, StrictMode, version } from "react";
import { createRoot } from "react-dom/client";
import { vi } from "vitest";

Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });

// What React warns of is a defect.
console.error = (...words: unknown[]) => {
  throw new Error(words.join(" "));
};

export const isOlder = version.startsWith("18");

export function stage() {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "requestAnimationFrame"] });
  const server = new FakeServer({ topics: ["knowledge", "messages"], state: ["metrics", "monitoring"] });
  const clock = new FakeClock();
  const client = createClient<RegisteredEvents>({ url: "/ws", world: { ...server.world, ...clock.world } });
  const place = document.createElement("div");
  const root = createRoot(place);
  return {
    server,
    client,
    /** What a person reads. */
    text: () => place.textContent,
    async render(node: ReactNode) {
      await act(async () => {
        root.render(
          <StrictMode>
            <PulseProvider client={client}>{node}</PulseProvider>
          </StrictMode>,
        );
        await settled();
      });
    },
    unmount: () => act(async () => root.unmount()),
    /** Let time pass for the client. */
    advance: (milliseconds: number) => act(() => clock.advance(milliseconds)),
    /** Do something, and wait for the frame in which it is shown. */
    async frame(happen: () => void = () => {}) {
      await act(async () => {
        happen();
        await settled();
        vi.advanceTimersByTime(300);
      });
    },
  };
}
