import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { wire } from "../src/live/wire.js";

class FakeSocket {
  static readonly all: FakeSocket[] = [];
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  isClosed = false;
  constructor() {
    FakeSocket.all.push(this);
  }
  send(): void {}
  close(): void {
    this.isClosed = true;
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", FakeSocket);
  FakeSocket.all.length = 0;
});
afterEach(() => {
  wire.mend();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function dial() {
  const heard: unknown[] = [];
  const socket = new wire.world.WebSocket("ws://here/ws", []);
  socket.onmessage = ({ data }) => heard.push(data);
  socket.onclose = ({ code }) => heard.push(code);
  return heard;
}

test("a whole wire lets everything through", () => {
  const heard = dial();
  FakeSocket.all[0]?.onmessage?.({ data: "hello" });
  FakeSocket.all[0]?.onclose?.({ code: 4002, reason: "" });
  expect(heard).toEqual(["hello", 4002]);
});

test("to cut it ends what is open as a network would, and nothing comes of it any more", () => {
  const heard = dial();
  wire.cut();
  FakeSocket.all[0]?.onmessage?.({ data: "late" });
  expect(heard).toEqual([1006]);
  expect(FakeSocket.all[0]?.isClosed).toBe(true);
});

test("a wire that is cut lets nothing begin, until it is mended", async () => {
  wire.cut();
  const heard = dial();
  vi.runAllTimers();
  expect(heard).toEqual([1006]);
  expect(FakeSocket.all).toHaveLength(0);
  await expect(wire.world.fetch("health", { mode: "no-cors", cache: "no-store" })).rejects.toThrow("cut");
  wire.mend();
  dial();
  expect(FakeSocket.all).toHaveLength(1);
});
