// What the dashboard costs whoever opens it: every script and style, gzipped, whether it is needed at once or later.
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const BUDGET = 250_000;
const DIST = new URL("../dist/", import.meta.url);

const sizes = readdirSync(DIST, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(html|js|css)$/.test(name))
  .map((name) => [name, gzipSync(readFileSync(new URL(name, DIST)), { level: 9 }).length]);

for (const [name, size] of sizes.sort(([, a], [, b]) => b - a)) console.log(`${String(size).padStart(8)}  ${name}`);
const total = sizes.reduce((sum, [, size]) => sum + size, 0);
console.log(`dashboard: ${total} bytes of at most ${BUDGET}`);
process.exit(sizes.length === 0 || total > BUDGET ? 1 : 0);
