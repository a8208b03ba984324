/** The client as an application uses it, against a server in memory and a clock that goes when it is told to. */

import { afterEach, expect, test, vi } from "vitest";
import type { SocketLike } from "../../src/client/world.js";
import { type ClientOptions, createClient, type EventTypes } from "../../src/index.js";
import { FakeClock, FakeServer, settled } from "../../src/testing/index.js";

function stage(options: Partial<ClientOptions<EventTypes>> = {}) {
  const server = new FakeServer({ topics: ["knowledge", "messages", "monitoring"], state: ["metrics"] });
  const clock = new FakeClock();
  const page = new EventTarget();
  const world = {
    ...server.world,
    ...clock.world,
    addEventListener: (name: string, act: () => void) => page.addEventListener(name, act),
    removeEventListener: (name: string, act: () => void) => page.removeEventListener(name, act),
    ...options.world,
  };
  const client = createClient<EventTypes>({ url: "/ws", ...options, world });
  const seen: unknown[] = [];
  const happens = (name: string) => page.dispatchEvent(new Event(name));
  return { server, clock, client, seen, happens, world };
}

afterEach(() => vi.restoreAllMocks());

test("an event reaches whoever asked for its name", async () => {
  const { server, client, seen } = stage();
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", 1);
  server.publish("knowledge", "atom_deleted", 2);
  server.publish("messages", "atom_created", 3);
  expect(seen).toEqual([1]);
});

test("nothing is connected before somebody follows something, and after nobody does", async () => {
  const { server, client } = stage();
  await settled();
  expect([server.connections, client.connection.status]).toEqual([0, "idle"]);
  const stop = client.on("knowledge", "atom_created", () => {});
  await settled();
  expect([server.connections, client.connection.status]).toEqual([1, "open"]);
  stop();
  stop();
  await settled();
  expect([server.connections, client.connection.status]).toEqual([0, "idle"]);
});

test("however many follow whatever topics, there is one connection", async () => {
  const { server, client } = stage({ topics: ["messages"] });
  for (let reader = 0; reader < 20; reader++) client.on("knowledge", "atom_created", () => {});
  client.topic("monitoring", { key: "3f9c" }).on("job_started", () => {});
  await settled();
  expect(server.asked).toEqual(["ws://localhost/ws?topics=messages,knowledge,monitoring/3f9c&joined=1"]);
});

test("a topic that somebody follows again, after nobody did, is live", async () => {
  const { server, client, seen } = stage({ topics: ["messages"] });
  const follow = () => client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  const stop = follow();
  await settled();
  server.publish("knowledge", "atom_created", 1);
  stop();
  await settled();
  server.publish("knowledge", "atom_created", 2);
  follow();
  await settled();
  server.publish("knowledge", "atom_created", 3);
  expect(seen).toEqual([1, 3]);
});

test("what was missed while it was cut off comes before what is new", async () => {
  const { server, clock, client, seen } = stage();
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", 1);
  server.stop();
  server.publish("knowledge", "atom_created", 2);
  await clock.advance(5_000);
  server.publish("knowledge", "atom_created", 3);
  server.start();
  await clock.advance(20_000);
  server.publish("knowledge", "atom_created", 4);
  expect(seen).toEqual([1, 2, 3, 4]);
  expect(client.connection).toMatchObject({ status: "open", recovered: true });
});

test("a gap reaches onGap and whoever subscribed", async () => {
  const gaps: unknown[] = [];
  const { server, clock, client, seen } = stage({ onGap: (gap) => gaps.push(gap) });
  client.topic("knowledge").subscribe((told) => told.kind === "gap" && seen.push(told));
  await settled();
  server.stop();
  for (let event = 0; event < 5; event++) server.publish("knowledge", "atom_created", event);
  server.expire("knowledge", 2);
  server.start();
  await clock.advance(20_000);
  expect(gaps).toEqual([{ kind: "gap", feed: "knowledge", from: 1_001, to: 1_003, reason: "expired" }]);
  expect(seen).toEqual(gaps);
});

test("whoever closes the client while it is told of an event is told nothing more, and neither are others", async () => {
  const server = new FakeServer({ topics: ["knowledge"] });
  const clock = new FakeClock();
  const client = createClient<EventTypes>({ url: "/ws", world: { ...server.world, ...clock.world } });
  const seen: unknown[] = [];
  client.topic("knowledge", { after: 1_000 }).subscribe((told) => {
    if (told.kind !== "event") return;
    seen.push(["one", told.data]);
    client.close();
  });
  client.on("knowledge", "atom_created", ({ data }) => seen.push(["other", data]));
  await settled();
  server.publish("knowledge", "atom_created", 1);
  server.publish("knowledge", "atom_created", 2);
  await settled();
  expect(seen).toEqual([["one", 1]]);
});

test("rows that were loaded and events after them are whole", async () => {
  const { server, client, seen } = stage({ topics: ["knowledge"] });
  await settled();
  server.publish("knowledge", "atom_created", "a");
  // The handler takes the position before its query, which still finds what comes in between.
  const after = server.position("knowledge");
  server.publish("knowledge", "atom_created", "b");
  const rows = ["a", "b"];
  server.publish("knowledge", "atom_created", "c");
  client.topic("knowledge", { after }).on("atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", "d");
  expect(new Set([...rows, ...seen])).toEqual(new Set(["a", "b", "c", "d"]));
  expect(seen).toEqual(["b", "c", "d"]);
});

test("the newest events come first where they are asked for", async () => {
  const { server, client, seen } = stage();
  for (let event = 1; event <= 9; event++) server.publish("knowledge", "atom_created", event);
  client.topic("knowledge", { last: 3 }).on("atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", 10);
  expect(seen).toEqual([7, 8, 9, 10]);
});

test("a token is asked for before each attempt, and afresh when it ran out", async () => {
  const asked: boolean[] = [];
  const offers: unknown[] = [];
  const { server, clock, client, world } = stage({
    getToken: async ({ isFresh }) => {
      asked.push(isFresh);
      return "a token, ünicode";
    },
  });
  const { WebSocket } = world;
  world.WebSocket = class extends WebSocket {
    constructor(url: string, ...more: unknown[]) {
      super(url, []);
      offers.push(...more);
    }
  };
  client.on("knowledge", "atom_created", () => {});
  await settled();
  server.cut(4101);
  await clock.advance(20_000);
  server.cut();
  await clock.advance(20_000);
  expect(asked).toEqual([false, true, false]);
  expect(offers[0]).toEqual(["pulse.v1", `bearer.${Buffer.from("a token, ünicode").toString("base64url")}`]);
});

test("a fresh token is shown on the same connection before the old one runs out, and only while it is the same", async () => {
  const said: unknown[] = [];
  const sockets: SocketLike[] = [];
  let isThere = true;
  const { server, clock, client, world } = stage({
    getToken: ({ isFresh }) => {
      if (!isThere) throw new Error("no session");
      return isFresh ? "fresh" : "first";
    },
  });
  const { WebSocket } = world;
  world.WebSocket = class extends WebSocket {
    constructor(url: string) {
      super(url, []);
      sockets.push(this);
      const { send } = this;
      this.send = (text) => {
        said.push(JSON.parse(text));
        send.call(this, text);
      };
    }
  };
  const shown = () => said.filter((frame) => (frame as { action: string }).action === "auth");
  // The clock of the server is another one.
  const holds = (expiresIn: number | null) =>
    sockets.at(-1)?.onmessage?.({ data: JSON.stringify({ type: "auth", data: { expiresAt: 1, expiresIn } }) });
  client.on("knowledge", "atom_created", () => {});
  await settled();
  holds(10);
  await clock.advance(7_900);
  expect(shown()).toEqual([]);
  await clock.advance(200);
  expect(shown()).toEqual([{ action: "auth", token: "fresh" }]);
  expect(sockets).toHaveLength(1);
  // For ever, for longer than a timer goes, without a session, on a connection that is gone: nothing is shown.
  holds(null);
  holds(1e9);
  await clock.advance(8_000);
  isThere = false;
  holds(5);
  await clock.advance(8_000);
  isThere = true;
  server.publish("knowledge", "atom_created", 1);
  holds(10);
  server.cut();
  await clock.advance(20_000);
  expect(sockets).toHaveLength(2);
  expect(shown()).toHaveLength(1);
});

test("a token that cannot be had is asked for again later", async () => {
  let isThere = false;
  const { server, clock, client } = stage({
    getToken: () => {
      if (!isThere) throw new Error("no session");
      return "token";
    },
  });
  client.on("knowledge", "atom_created", () => {});
  await settled();
  expect(client.connection).toMatchObject({ status: "waiting", reason: "Error: no session" });
  isThere = true;
  await clock.advance(20_000);
  expect(server.connections).toBe(1);
});

test("server-sent events take over where WebSockets do not come through", async () => {
  const { server, clock, client, seen } = stage();
  server.hasSockets = false;
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await clock.advance(20_000);
  expect(client.connection.status).toBe("open");
  expect(server.asked.at(-1)).toBe("http://localhost/events?topics=knowledge");
  server.publish("knowledge", "atom_created", 1);
  server.cut(4002, "retry=100");
  server.publish("knowledge", "atom_created", 2);
  await clock.advance(20_000);
  server.publish("messages", "message", 0);
  server.publish("messages", "message", 3);
  client.topic("messages", { last: 1 }).on("message", ({ data }) => seen.push(data));
  await clock.advance(1_000);
  expect(server.asked.at(-1)).toMatch(/lastSeq=knowledge:\d+&last=messages:1$/);
  server.publish("knowledge", "atom_created", 4);
  expect(seen).toEqual([1, 2, 3, 4]);
});

function storage() {
  const kept = new Map<string, string>();
  return {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  };
}

test("a page that is reloaded goes on where it was", async () => {
  const sessionStorage = storage();
  const { server, client, seen, happens, world } = stage({ resume: true, world: { sessionStorage } });
  client.on("knowledge", "atom_created", () => {});
  client.on("metrics", "load", () => {});
  await settled();
  server.publish("knowledge", "atom_created", 1);
  happens("pagehide");
  client.close();
  server.publish("knowledge", "atom_created", 2);
  server.publish("metrics", "load", 3, { key: "a" });
  const reloaded = createClient<EventTypes>({ url: "/ws", resume: true, world });
  reloaded.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  reloaded.on("metrics", "load", ({ data }) => seen.push(data));
  await settled();
  reloaded.close();
  expect(seen).toEqual([2, 3]);
});

test("a page that is reloaded goes on where it was, though its client follows topics before its components do", async () => {
  const options = { resume: true, topics: ["knowledge"], world: { sessionStorage: storage() } };
  const { server, client, seen, happens, world } = stage(options);
  client.on("messages", "message", () => {});
  await settled();
  server.publish("messages", "message", 1);
  happens("pagehide");
  client.close();
  server.publish("messages", "message", 2);
  const reloaded = createClient<EventTypes>({ url: "/ws", ...options, world });
  await settled();
  // And hidden before its components are there, it keeps what they will need.
  happens("pagehide");
  reloaded.close();
  const again = createClient<EventTypes>({ url: "/ws", ...options, world });
  await settled();
  again.on("messages", "message", ({ data }) => seen.push(data));
  await settled();
  again.close();
  expect(seen).toEqual([2]);
});

test("two clients of one server in a page both go on where they were", async () => {
  const { server, client, seen, happens, world } = stage({ resume: true, world: { sessionStorage: storage() } });
  const other = createClient<EventTypes>({ url: "/ws", resume: true, world });
  client.on("messages", "message", () => {});
  other.on("knowledge", "atom_created", () => {});
  await settled();
  happens("pagehide");
  for (const each of [client, other]) each.close();
  server.publish("messages", "message", 1);
  server.publish("knowledge", "atom_created", 2);
  const reloaded = [1, 2].map(() => createClient<EventTypes>({ url: "/ws", resume: true, world }));
  reloaded[0]?.on("messages", "message", ({ data }) => seen.push(data));
  reloaded[1]?.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  for (const each of reloaded) each.close();
  expect(seen).toEqual([1, 2]);
});

test("what a listener throws is reported, and stops nobody else", async () => {
  const thrown: unknown[] = [];
  vi.stubGlobal("queueMicrotask", (act: () => void) =>
    Promise.resolve()
      .then(act)
      .catch((error) => thrown.push(error)),
  );
  const { server, client, seen } = stage();
  client.on("knowledge", "atom_created", () => {
    throw new Error("mine");
  });
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", 1);
  await settled();
  vi.unstubAllGlobals();
  expect(seen).toEqual([1]);
  expect(thrown).toEqual([new Error("mine")]);
});

test("an unknown topic is said once, and costs nothing else", async () => {
  const refused: string[] = [];
  const { server, client, seen } = stage({ onError: ({ message }) => refused.push(message) });
  client.on("metrcs", "load", () => {});
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  server.publish("knowledge", "atom_created", 1);
  expect(refused).toEqual(["unknown topic 'metrcs'"]);
  expect(seen).toEqual([1]);
});

test("what is no frame closes the connection, as after 1002", async () => {
  const { client, world } = stage();
  const { WebSocket } = world;
  let socket: InstanceType<typeof WebSocket> | undefined;
  world.WebSocket = class extends WebSocket {
    constructor(url: string) {
      super(url, []);
      socket = this;
    }
  };
  client.on("knowledge", "atom_created", () => {});
  await settled();
  socket?.onmessage?.({ data: "oops" });
  expect(client.connection).toMatchObject({ status: "closed", code: 1002 });
});

test("a client that was closed stays so, whatever its components still do", async () => {
  const { server, clock, client } = stage({ topics: ["messages"] });
  const stop = client.on("knowledge", "atom_created", () => {});
  await settled();
  client.close();
  stop();
  client.on("knowledge", "atom_created", () => {});
  client.connect();
  await clock.advance(120_000);
  expect(server.connections).toBe(0);
  expect(server.asked).toHaveLength(1);
  expect(client.connection).toMatchObject({ status: "closed", code: 1000 });
});

test("a client that the server sent away connects when it is told to", async () => {
  const { server, client } = stage();
  client.on("knowledge", "atom_created", () => {});
  await settled();
  server.cut(4401);
  expect(client.connection).toMatchObject({ status: "closed", code: 4401 });
  client.connect();
  await settled();
  expect(client.connection.status).toBe("open");
});

test("a listener may follow and leave while it is told", async () => {
  const { server, client, seen } = stage();
  const stop = client.on("knowledge", "atom_created", ({ data }) => {
    seen.push(data);
    stop();
    client.on("knowledge", "atom_created", (next) => seen.push(`again ${next.data}`));
  });
  await settled();
  server.publish("knowledge", "atom_created", 1);
  await settled();
  server.publish("knowledge", "atom_created", 2);
  expect(seen).toEqual([1, "again 2"]);
});

test.each([
  ["a sequence", (at: number) => at],
  ["the text of a position", (at: number) => `knowledge:${at}`],
])("following may begin after %s", async (_, after) => {
  const { server, client, seen } = stage();
  const loaded = server.publish("knowledge", "atom_created", 1);
  server.publish("knowledge", "atom_created", 2);
  client.topic("knowledge", { after: after(loaded) }).on("atom_created", ({ data }) => seen.push(data));
  await settled();
  client.topic("knowledge", { key: "a:1", after: after(loaded) }).on("atom_created", ({ data }) => seen.push(data));
  server.publish("knowledge", "atom_created", 3, { key: "a:1" });
  await settled();
  expect(seen).toEqual([2, 3, 3]);
});

test.each([Number.NaN, -1, 1.5, null, "", "142", "bad", "knowledge:x", "messages:142", "knowledge:9007199254740993"])(
  "to follow after %j is refused before anything is sent",
  (after) => {
    const { client } = stage();
    expect(() => client.topic("knowledge", { after: after as number })).toThrow(TypeError);
    expect(() => client.topic("knowledge", { last: after as number })).toThrow(TypeError);
  },
);

test.each(["", "a,b", "Knowledge", "monitoring/3f9c", undefined])("the topic %j is refused at once", (topic) => {
  const { server, client } = stage();
  const refusal = `'${topic}' is not a topic: name one, as 'knowledge'`;
  expect(() => client.topic(topic as string)).toThrow(new TypeError(refusal));
  expect(() => client.on(topic as string, "atom_created", () => {})).toThrow(TypeError);
  expect(() => createClient<EventTypes>({ url: "/ws", topics: [topic as string], world: server.world })).toThrow(
    TypeError,
  );
});

test.each(["", "a,b", "a b", "a/b", "x".repeat(129), null])("the key %j is refused at once", (key) => {
  const { client } = stage();
  const refusal = `'${key}' is not a key: up to 128 of A-Za-z0-9_=:-`;
  expect(() => client.topic("monitoring", { key: key as string })).toThrow(new TypeError(refusal));
});

test.each(["", "localhost:8000/ws", "ftp://example.org/ws", "http:/ws", "https://", undefined])(
  "the address %j is refused at once",
  (url) => {
    const refusal = `'${url}' is not an address: write '/ws', or 'wss://host/ws'`;
    expect(() => createClient({ url: url as string })).toThrow(new TypeError(refusal));
  },
);

test.each([
  "/ws",
  "ws",
  "../live/ws",
  "ws://localhost:8000/ws",
  "https://example.org/live/ws?a=b:c",
  "//example.org/ws",
])("the address %j is one", (url) => {
  const { server, client } = stage({ url });
  client.on("knowledge", "atom_created", () => {});
  return settled().then(() => expect(server.asked[0]).toMatch(/^wss?:.*ws\?(a=b:c&)?topics=knowledge/));
});

test("frames that share a message are each told, up to one that is none", async () => {
  let socket: SocketLike | undefined;
  class Socket implements SocketLike {
    onmessage: SocketLike["onmessage"] = null;
    onclose: SocketLike["onclose"] = null;
    constructor() {
      socket = this;
    }
    send(): void {}
    close(): void {}
  }
  const { client, seen } = stage({ world: { WebSocket: Socket } });
  client.on("knowledge", "atom_created", ({ data }) => seen.push(data));
  await settled();
  const greeting = {
    type: "connection",
    data: { connectionId: "c1", topics: ["knowledge"], lastSeq: { knowledge: 1 } },
  };
  const event = (sequence: number) => ({ topic: "knowledge", event: "atom_created", data: sequence, _seq: sequence });
  const say = (...frames: unknown[]) =>
    socket?.onmessage?.({ data: frames.map((frame) => JSON.stringify(frame)).join("\x1e") });
  say(greeting, event(2), event(3));
  expect(seen).toEqual([2, 3]);
  say(event(4), { topic: "knowledge", event: "atom_created" }, event(5));
  expect(seen).toEqual([2, 3, 4]);
  expect(client.connection).toMatchObject({ status: "closed", code: 1002 });
});
