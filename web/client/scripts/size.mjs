// What each part of the package costs a page: minified and gzipped, as bundlers and servers do it. Fails over budget.
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { rolldown } from "rolldown";

/** Bytes by the two minifiers that applications use most: Vite's, and esbuild, whose names repeat less and so compress less. */
const PARTS = [
  // With server-sent events and shared tabs.
  { name: "client", file: "dist/index.js", vite: 8_820, esbuild: 9_260 },
  { name: "hooks", file: "dist/react/index.js", vite: 1_470, esbuild: 1_530 },
];
const external = ["react"];

const MINIFIERS = {
  async vite(file) {
    const bundle = await rolldown({ input: file, external });
    const { output } = await bundle.generate({ format: "esm", minify: true });
    return output[0].code;
  },
  async esbuild(file) {
    const options = { bundle: true, minify: true, format: "esm", target: "es2022", external, write: false };
    const { outputFiles } = await build({ entryPoints: [file], ...options });
    return outputFiles[0].contents;
  },
};

let isOver = false;
for (const { name, file, ...budgets } of PARTS)
  for (const [minifier, budget] of Object.entries(budgets)) {
    const size = gzipSync(await MINIFIERS[minifier](file), { level: 9 }).length;
    isOver ||= size > budget;
    console.log(`${name}, by ${minifier}: ${size} bytes of at most ${budget}`);
  }
process.exit(isOver ? 1 : 0);
