/** The life of the connection, and what each close code does to it. */

import { describe, expect, test } from "vitest";
import type { ServerFrame } from "../../src/protocol/frames.js";
import { greeting, livePage, Page, subscribed } from "./page.js";

function connecting(): Page {
  const page = new Page();
  page.follow("a", "knowledge");
  page.settle();
  return page;
}

describe("attempts", () => {
  test("wait with full jitter, twice as long each time, at most 20 s", () => {
    const page = connecting();
    page.chance = 0.999_999;
    const waits = Array.from({ length: 8 }, () => {
      page.lose();
      const wait = page.state.due - page.now;
      page.pass(wait);
      return Math.round(wait);
    });
    expect(waits).toEqual([500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
  });

  test("may come at once, as chance has it", () => {
    const page = connecting();
    page.chance = 0;
    page.lose();
    expect(page.state.due).toBe(page.now);
  });

  test("count anew only after a connection has held", () => {
    const page = connecting();
    page.lose();
    page.pass(20_000);
    page.greet({ knowledge: 1 });
    page.pass(9_000);
    page.lose();
    expect(page.connection).toMatchObject({ status: "waiting", attempt: 1 });
    page.pass(20_000);
    page.greet({ knowledge: 1 });
    page.pass(10_000);
    page.lose();
    expect(page.connection).toMatchObject({ status: "waiting", attempt: 0 });
  });

  test("resume where the last one ended", () => {
    const page = livePage("knowledge", 100);
    page.lose();
    page.pass(500);
    expect(page.opened).toMatchObject({ feeds: ["knowledge"], cursor: { knowledge: 100 } });
  });

  test("pause while the browser is offline", () => {
    const page = livePage("knowledge", 100);
    page.isOnline = false;
    page.lose();
    page.pass(60_000);
    expect(page.connection).toMatchObject({ status: "waiting", until: Number.POSITIVE_INFINITY, reason: "offline" });
    page.isOnline = true;
    page.tell({ kind: "woke" });
    expect(page.connection.status).toBe("connecting");
  });
});

describe("after a close", () => {
  test.each([1000, 1002, 1003, 1007, 1008, 1009, 1010, 4400, 4401, 4403, 4413, 4429, 4499])(
    "%i stays closed",
    (code) => {
      const page = livePage("knowledge", 100);
      page.lose(code, "why");
      expect(page.connection).toEqual({ status: "closed", code, reason: "why" });
      expect(page.state.due).toBe(Number.POSITIVE_INFINITY);
    },
  );

  test.each([1001, 1005, 1006, 1011, 1012, 1013, 1014, 3000, 4500])("%i comes back within 500 ms", (code) => {
    const page = livePage("knowledge", 100);
    page.chance = 0.999;
    page.lose(code);
    expect(page.state.due - page.now).toBeCloseTo(499.5);
  });

  test.each([4000, 4001, 4002, 4099])("%i resumes within 250 ms, the first time", (code) => {
    const page = livePage("knowledge", 100);
    page.chance = 0.999;
    page.pass(10_000);
    page.lose(code);
    expect(page.state.due - page.now).toBeCloseTo(249.75);
    page.pass(500);
    page.greet({ knowledge: 100 });
    page.lose(code);
    expect(page.state.due - page.now).toBeCloseTo(999);
  });

  test("41xx asks for fresh credentials", () => {
    const page = livePage("knowledge", 100);
    page.lose(4101);
    page.pass(500);
    expect(page.opened.isFresh).toBe(true);
    page.lose();
    page.pass(2_000);
    expect(page.opened.isFresh).toBe(false);
  });

  test("the reason may ask for another wait", () => {
    const page = livePage("knowledge", 100);
    page.lose(1013, "retry=3000");
    expect(page.state.due - page.now).toBe(3_000);
  });

  test("a closed client connects again when it is told to", () => {
    const page = livePage("knowledge", 100);
    page.tell({ kind: "close" });
    expect(page.connection).toMatchObject({ status: "closed", code: 1000 });
    page.tell({ kind: "connect" });
    expect(page.opened.cursor).toEqual({ knowledge: 100 });
  });
});

describe("a server that is silent", () => {
  test("is left when nothing came for the time it named", () => {
    const page = livePage("knowledge", 100);
    page.pass(29_999);
    page.receive({ kind: "ping", timestampMs: 1 });
    page.pass(29_999);
    expect(page.connection.status).toBe("open");
    page.pass(1);
    expect(page.connection.status).toBe("waiting");
    expect(page.effects).toContainEqual({ kind: "drop" });
  });

  test("is asked first when the timer overslept", () => {
    const page = livePage("knowledge", 100);
    page.now = 3_600_000;
    page.tell({ kind: "ticked" });
    expect(page.connection.status).toBe("open");
    expect(page.effects.at(-1)).toEqual({ kind: "send", frame: { kind: "ping", timestampMs: 3_600_000 } });
    page.chance = 0.999;
    page.pass(5_000);
    expect(page.connection.status).toBe("waiting");
  });

  test("is asked when the page comes back, and left soon when it does not answer", () => {
    const page = livePage("knowledge", 100);
    page.receive({ kind: "ping" });
    page.tell({ kind: "woke" });
    page.pass(4_999);
    page.receive({ kind: "pong", timestampMs: 0 });
    expect(page.connection).toMatchObject({ status: "open", latencyMs: 4_999 });
    page.tell({ kind: "woke" });
    page.pass(5_000);
    expect(page.connection.status).toBe("waiting");
  });

  test("is left when it does not greet", () => {
    const page = connecting();
    page.pass(20_000);
    expect(page.connection.status).toBe("waiting");
  });
});

describe("where WebSockets do not open", () => {
  function failing(): Page {
    const page = connecting();
    for (let time = 0; time < 2; time++) {
      page.lose();
      page.tell({ kind: "reached" });
      page.pass(20_000);
    }
    page.lose();
    return page;
  }

  test("server-sent events take over, once an ordinary request went through", () => {
    const page = failing();
    expect(page.effects.at(-1)).toEqual({ kind: "probe" });
    page.tell({ kind: "reached" });
    page.pass(20_000);
    expect(page.opened.carrier).toBe("events");
    page.greet({ knowledge: 100 });
    page.lose();
    page.pass(20_000);
    expect(page.opened.carrier).toBe("events");
  });

  test("a server that was down is no such network: what failed while no request went through does not count", () => {
    const page = livePage("knowledge", 100);
    for (let time = 0; time < 5; time++) {
      page.lose();
      page.pass(20_000);
    }
    page.lose();
    // It came up between the attempt and this request.
    page.tell({ kind: "reached" });
    page.pass(20_000);
    expect(page.opened.carrier).toBe("socket");
    page.greet({ knowledge: 100 });
    expect(page.state.failedOpens).toBe(0);
  });

  test("an answer that comes late counts, and changes nothing about what is under way", () => {
    const page = failing();
    page.pass(20_000);
    page.tell({ kind: "reached" });
    page.greet({ knowledge: 100 });
    expect(page.state).toMatchObject({ carrier: "socket", failedOpens: 0, connection: { status: "open" } });
  });

  test("WebSockets are tried again while nothing else goes through either", () => {
    const page = failing();
    page.pass(20_000);
    expect(page.opened.carrier).toBe("socket");
  });

  test("WebSockets are tried again when events do not come through either", () => {
    const page = failing();
    page.tell({ kind: "reached" });
    page.pass(20_000);
    page.lose();
    page.pass(20_000);
    expect(page.opened.carrier).toBe("socket");
  });

  test("other topics are another request", () => {
    const page = failing();
    page.tell({ kind: "reached" });
    page.pass(20_000);
    page.greet({ knowledge: 100 });
    page.follow("b", "messages");
    page.settle();
    page.follow("c", "tasks");
    page.settle();
    page.pass(50);
    expect(page.opened.feeds).toEqual(["knowledge", "messages", "tasks"]);
    expect(page.opened.cursor).toEqual({ knowledge: 100 });
    expect(page.sent()).toEqual([]);
  });
});

/** What became of `recovered`, with what is heard of a connection that takes up where the last one ended. */
function recovery(...frames: ServerFrame[]): unknown[] {
  const page = livePage("knowledge", 100);
  expect(page.connection).toMatchObject({ recovered: false });
  page.follow("b", "messages");
  page.settle();
  page.receive(subscribed("messages", 7));
  page.lose();
  page.pass(500);
  return [greeting({ knowledge: 100, messages: 7 }), ...frames].map((frame) => {
    page.receive(frame);
    return page.connection.status === "open" ? page.connection.recovered : page.connection.status;
  });
}

test("a connection recovered when it took up where the last one ended, caught up, and nothing was missed", () => {
  const [knowledge, messages] = [subscribed("knowledge", 100), subscribed("messages", 7)];
  const gap = { kind: "gap", feed: "knowledge", from: 101, to: 102, reason: "expired" } as const;
  expect(recovery(knowledge, messages, gap)).toEqual([undefined, undefined, true, false]);
});

test("a connection never claims to have recovered before it has heard of what it missed", () => {
  const reset = { kind: "gap", feed: "knowledge", from: null, to: 50, reason: "reset" } as const;
  const [knowledge, messages] = [subscribed("knowledge", 50), subscribed("messages", 7)];
  expect(recovery(messages, reset, knowledge)).toEqual([undefined, undefined, false, false]);
});
