/** The hooks in StrictMode, against a server in memory; this file runs with React 18 and with React 19. */

import { useConnection, useEvent, useKeyed, useTopic, useWebSocket } from "pulse-radar/react";
import { Suspense, startTransition, useState, version } from "react";
import { expect, test } from "vitest";
import { isOlder, stage } from "./stage.js";

function Atoms({ topic = "knowledge" }: { topic?: string }) {
  const atoms = useTopic(
    topic,
    (list: string[], action) => (action.kind === "event" ? [...list, String(action.data)] : [...list, action.kind]),
    [],
  );
  return <p>{atoms.join()}</p>;
}

test("the React under test is the one that it says", ({ task }) => {
  expect(task.file.projectName).toBe(isOlder ? "react 18" : "react 19");
  expect(version).toMatch(isOlder ? /^18\./ : /^19\./);
});

test("useTopic folds events and renders once a frame", async () => {
  const { server, text, render, frame } = stage();
  await render(<Atoms />);
  await frame(() => {
    for (let event = 1; event <= 3; event++) server.publish("knowledge", "atom_created", event);
  });
  expect(text()).toBe("1,2,3");
  expect(server.connections).toBe(1);
});

test("a reducer that has no answer to an event, newer than the page, leaves the state as it was", async () => {
  const { server, text, render, frame } = stage();
  function Newest() {
    const newest = useTopic(
      "knowledge",
      (_: string | null, action) => {
        // What the compiler knows is complete.
        switch ((action as { name: "atom_created" | "atom_deleted" }).name) {
          case "atom_created":
            return "created";
          case "atom_deleted":
            return null;
        }
      },
      "none",
    );
    return <p>{newest === null ? "deleted" : newest.toUpperCase()}</p>;
  }
  await render(<Newest />);
  await frame(() => server.publish("knowledge", "atom_created", 1));
  await frame(() => server.publish("knowledge", "atom_renamed", 2));
  expect(text()).toBe("CREATED");
  await frame(() => server.publish("knowledge", "atom_deleted", 3));
  expect(text()).toBe("deleted");
});

test("ten thousand events are one render", async () => {
  const { server, text, render, frame } = stage();
  let renders = 0;
  function Count() {
    renders += 1;
    return <p>{useTopic("knowledge", (count: number) => count + 1, 0)}</p>;
  }
  await render(<Count />);
  renders = 0;
  await frame(() => {
    for (let event = 0; event < 10_000; event++) server.publish("knowledge", "atom_created", event);
  });
  expect(text()).toBe("10000");
  // Once, and StrictMode does it twice.
  expect(renders).toBeLessThanOrEqual(2);
});

test("events are shown while a transition is under way, and what it brings agrees with what was there", async () => {
  const { server, text, render, frame } = stage();
  const begin = { after: server.position("knowledge") };
  const Count = () => <b>{useTopic("knowledge", (count: number) => count + 1, 0, begin)}</b>;
  let open = () => {};
  let arrive = () => {};
  let isThere = false;
  const arrival = new Promise<void>((resolve) => {
    arrive = resolve;
  });
  function Late() {
    if (!isThere) throw arrival;
    return <Count />;
  }
  function Page() {
    const [isOpen, setOpen] = useState(false);
    open = () => startTransition(() => setOpen(true));
    return (
      <Suspense fallback="never seen">
        <Count />
        {isOpen && <Late />}
      </Suspense>
    );
  }
  await render(<Page />);
  await frame(() => open());
  await frame(() => void server.publish("knowledge", "atom_created", 1));
  await frame(() => void server.publish("knowledge", "atom_created", 2));
  expect(text()).toBe("2");
  isThere = true;
  await frame(() => arrive());
  await frame();
  expect(text()).toBe("22");
  await frame(() => void server.publish("knowledge", "atom_created", 3));
  expect(text()).toBe("33");
});

test("a gap is an action of the reducer", async () => {
  const { server, advance, text, render, frame } = stage();
  await render(<Atoms />);
  server.stop();
  server.publish("knowledge", "atom_created", 1);
  server.publish("knowledge", "atom_created", 2);
  server.expire("knowledge", 1);
  server.start();
  await advance(20_000);
  await frame();
  expect(text()).toBe("gap,2");
});

test("a component that is unmounted while it connects leaves nothing behind", async () => {
  const { server, client, render, unmount, frame } = stage();
  server.isUp = false;
  await render(<Atoms />);
  await unmount();
  server.start();
  await frame();
  expect(client.connection.status).toBe("idle");
  expect(server.connections).toBe(0);
});

test("another topic begins anew, also while the one before is replayed", async () => {
  const { server, text, render, frame } = stage();
  for (let event = 1; event <= 5; event++) server.publish("knowledge", "atom_created", event);
  await render(<Atoms />);
  await render(<Atoms topic="messages" />);
  await frame(() => {
    server.publish("knowledge", "atom_created", 6);
    server.publish("messages", "message", 7);
  });
  expect(text()).toBe("7");
});

test("a component that renders for other reasons keeps its subscription", async () => {
  const { server, render, frame } = stage();
  const seen: unknown[] = [];
  let rerender = (_: number) => {};
  function Page() {
    const [count, setCount] = useState(0);
    rerender = setCount;
    // A new function and a new array with every render.
    useEvent("knowledge", "atom_created", ({ data }) => seen.push([count, data]));
    const { isConnected } = useWebSocket(["messages", "knowledge"]);
    return <p>{String(isConnected)}</p>;
  }
  await render(<Page />);
  await frame(() => rerender(1));
  await frame(() => server.publish("knowledge", "atom_created", "a"));
  expect(seen).toEqual([[1, "a"]]);
  expect(server.asked).toHaveLength(1);
});

test("useWebSocket tells whether it is connected, and every event of its topics", async () => {
  const { server, text, render, frame } = stage();
  const seen: unknown[] = [];
  function Page() {
    const { isConnected } = useWebSocket(["messages", "knowledge"], ({ topic, data }) => seen.push([topic, data]));
    return <p>{isConnected ? "connected" : "not"}</p>;
  }
  await render(<Page />);
  await frame();
  expect(text()).toBe("connected");
  await frame(() => {
    server.publish("knowledge", "atom_created", 1);
    server.publish("messages", "message", 2);
  });
  expect(seen).toEqual([
    ["knowledge", 1],
    ["messages", 2],
  ]);
  await frame(() => server.stop());
  expect(text()).toBe("not");
});

test("useKeyed has the newest event of each key, and forgets what is deleted", async () => {
  const { server, text, render, frame } = stage();
  server.publish("metrics", "load", 1, { key: "a" });
  function Load() {
    const metrics = useKeyed("metrics");
    return <p>{[...metrics].map(([key, event]) => `${key}=${event.data}`).join()}</p>;
  }
  await render(
    <>
      <Load />
      <Load />
    </>,
  );
  await frame(() => server.publish("metrics", "load", 2, { key: "b" }));
  expect(text()).toBe("a=1,b=2a=1,b=2");
  await frame(() => {
    server.publish("metrics", "load", 3, { key: "a" });
    server.delete("metrics", "b");
  });
  expect(text()).toBe("a=3a=3");
});

test("what is shown of a state topic stays until the new state is whole", async () => {
  const { server, client, text, render, frame } = stage();
  server.publish("metrics", "load", 1, { key: "a" });
  const shown = new Set<number>();
  function Load() {
    const { size } = useKeyed("metrics");
    shown.add(size);
    return <p>{size}</p>;
  }
  await render(<Load />);
  await frame();
  shown.clear();
  client.on("metrics", "load", () => {});
  await frame();
  expect(text()).toBe("1");
  expect([...shown]).not.toContain(0);
});

test("useConnection tells the life of the connection", async () => {
  const { server, advance, text, render, frame } = stage();
  function Connection() {
    const connection = useConnection();
    useEvent("knowledge", "atom_created", () => {});
    return <p>{connection.status === "open" ? `open ${connection.recovered}` : connection.status}</p>;
  }
  await render(<Connection />);
  await frame();
  expect(text()).toBe("open false");
  await frame(() => server.cut());
  expect(text()).toBe("waiting");
  await advance(20_000);
  await frame();
  expect(text()).toBe("open true");
});

test("useWebSocket without topics follows none, and not all", async () => {
  const { server, render } = stage();
  function Nothing() {
    return <p>{useWebSocket([]).isConnected}</p>;
  }
  await render(<Nothing />);
  expect(server.asked).toEqual([]);
});
