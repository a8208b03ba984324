import { defineConfig, mergeConfig } from "vitest/config";
import vite from "./vite.config.js";

export default mergeConfig(
  vite,
  defineConfig({ test: { include: ["tests/**/*.test.{ts,tsx}"], environment: "happy-dom" } }),
);
