// What each part of the package costs a page: minified and gzipped, as bundlers and servers do it. Fails over budget.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

/** Bytes. The client holds server-sent events and shared tabs. */
const BUDGETS = [
  { name: "client", code: 'export * from "./dist/index.js"', external: [], budget: 7_700 },
  { name: "hooks", code: 'export * from "./dist/react/index.js"', external: ["react"], budget: 2_000 },
];

let isOver = false;
for (const { name, code, external, budget } of BUDGETS) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: "." },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    external,
    write: false,
  });
  const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
  isOver ||= size > budget;
  console.log(`${name}: ${size} bytes of at most ${budget}`);
}
process.exit(isOver ? 1 : 0);
