// Socket.IO on Node as its documentation says for performance: WebSocket only, bufferutil, compression off (its default).
// Its topics are rooms: those that a client names in its query.
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const TEXT = "x".repeat(64);
const TOPICS = ["events", "topic0", "topic1", "topic2", "topic3", "topic4", "topic5"];
// As much around it as others have.
const event = (data) => ({ topic: "events", data, _seq: 1750000000000000, id: "0".repeat(23) });
const http = createServer();
const io = new Server(http, { transports: ["websocket"], serveClient: false });
const turn = () => new Promise(setImmediate);
const until = (ns) => new Promise((done) => setTimeout(done, Math.max(0, Number(ns - process.hrtime.bigint()) / 1e6)));

io.on("connection", (socket) => {
  const { topics } = socket.handshake.query;
  if (topics) socket.join(topics.split(","));
});

async function run(events, burst) {
  for (let number = 1; number <= events; number++) {
    io.emit("thing_happened", event({ text: TEXT }));
    if (number % burst === 0) await turn();
  }
}

async function pace(perSecond, events) {
  const began = process.hrtime.bigint();
  for (let number = 0; number < events; number++) {
    const due = began + BigInt(Math.round((number * 1e9) / perSecond));
    await until(due);
    io.emit("thing_happened", event({ at: Number(due), text: TEXT }));
  }
}

async function mixed(events) {
  for (let number = 0; number < events; number++) {
    io.to(TOPICS[number % TOPICS.length]).emit("thing_happened", event({ text: TEXT }));
    await turn();
  }
}

createInterface({ input: process.stdin }).on("line", async (line) => {
  const [word, first, second] = line.split(" ");
  await { run, pace, mixed }[word](Number(first), Number(second));
  const events = word === "pace" ? Number(second) : Number(first);
  console.log(`ran ${word === "mixed" ? events : events * io.engine.clientsCount}`);
});
http.listen(Number(process.argv[2]), "127.0.0.1", 4096);
