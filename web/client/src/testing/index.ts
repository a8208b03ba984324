/**
 * For the tests of your own pages: a server in memory on the real wire, and a clock that goes when you say so.
 *
 * @example
 * const server = new FakeServer({ topics: ["knowledge"] });
 * const clock = new FakeClock();
 * const client = createClient({ url: "/ws", world: { ...server.world, ...clock.world } });
 * client.on("knowledge", "atom_created", ({ data }) => shown.push(data));
 * await settled();
 * server.publish("knowledge", "atom_created", { title: "Sans-I/O" });
 * server.cut();
 * await clock.advance(20_000); // it is back, and missed nothing
 */

export { FakeClock, settled } from "./clock.js";
export { FakeServer, type FakeServerOptions, type PublishOptions } from "./server.js";
