import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import tailwind from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

// The client as an application has it, under the names of the package, and without building it first.
const client = (file: string) => fileURLToPath(new URL(`../client/src/${file}`, import.meta.url));

const TEXTS = /\.(html|js|css|svg)$/;

/** A compressed copy beside each text, so that the server has nothing to compress. */
const compressed: Plugin = {
  name: "compressed",
  apply: "build",
  writeBundle({ dir = "dist" }) {
    for (const file of readdirSync(dir, { recursive: true, encoding: "utf8" }).filter((name) => TEXTS.test(name)))
      writeFileSync(join(dir, `${file}.gz`), gzipSync(readFileSync(join(dir, file)), { level: 9 }));
  },
};

/** The font of most texts is fetched together with the page, so that it is there when they are drawn. */
const preloaded: Plugin = {
  name: "preloaded",
  apply: "build",
  transformIndexHtml: (_html, { bundle = {} }) =>
    Object.keys(bundle)
      .filter((name) => /latin.*\.woff2$/.test(name))
      .map((name) => ({
        tag: "link",
        attrs: { rel: "preload", as: "font", type: "font/woff2", href: `./${name}`, crossorigin: "" },
        injectTo: "head-prepend" as const,
      })),
};

export default defineConfig({
  // Wherever the application is mounted.
  base: "./",
  plugins: [react(), tailwind(), preloaded, compressed],
  resolve: {
    alias: [
      { find: /^pulse-radar$/, replacement: client("index.ts") },
      { find: /^pulse-radar\/react$/, replacement: client("react/index.ts") },
      { find: /^pulse-radar\/testing$/, replacement: client("testing/index.ts") },
    ],
  },
  build: {
    target: "es2022",
    // The Content-Security-Policy lets nothing in but files of this origin.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: {
    proxy: {
      "/ws": { target: "ws://127.0.0.1:8000", ws: true, changeOrigin: true },
      "/events": { target: "http://127.0.0.1:8000", changeOrigin: true },
      "/api": { target: "http://127.0.0.1:8000", changeOrigin: true },
      "/jobs": { target: "http://127.0.0.1:8000", changeOrigin: true },
      "/health": { target: "http://127.0.0.1:8000", changeOrigin: true },
    },
  },
});
