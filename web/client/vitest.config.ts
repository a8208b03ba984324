import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const older = (name: string) => fileURLToPath(new URL(`../react-18/node_modules/${name}`, import.meta.url));
// The hooks and their tests as an application has them, under the names of the package.
const own = (name: string) => fileURLToPath(new URL(`src/${name}`, import.meta.url));
const alias = [
  { find: /^pulse-radar$/, replacement: own("index.ts") },
  { find: /^pulse-radar\/react$/, replacement: own("react/index.ts") },
  { find: /^pulse-radar\/testing$/, replacement: own("testing/index.ts") },
];

export default defineConfig({
  test: {
    testTimeout: 30_000,
    projects: [
      {
        extends: true,
        resolve: { alias },
        test: { name: "pure", include: ["tests/{protocol,machine,client}/**/*.test.ts"] },
      },
      {
        extends: true,
        resolve: { alias },
        test: { name: "react 19", include: ["tests/{react,types}/**/*.test.tsx"], environment: "happy-dom" },
      },
      {
        extends: true,
        resolve: { alias: [...alias, ...["react", "react-dom"].map((find) => ({ find, replacement: older(find) }))] },
        test: { name: "react 18", include: ["tests/{react,types}/**/*.test.tsx"], environment: "happy-dom" },
      },
    ],
  },
});
