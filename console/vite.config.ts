import { basename, dirname, join, relative } from "node:path";

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { compressed } from "./compressed.ts";
import { fontFiles } from "./fonts.ts";
import { inlineStyles } from "./inline.ts";
import { operations } from "./operations.ts";

/** The name of a class by its file, so that what the page shows before its scripts can use it. */
function scopedName(name: string, file: string): string {
  const folders = dirname(relative(join(import.meta.dirname, "src", "console"), file)).split("/");
  const own = basename(file).replace(/\.module\.css.*$/, "");
  const path = folders.filter((folder) => folder !== "." && folder !== own);
  return [...path, own, name].join("-");
}

/**
 * Scripts of what a page needs at once: what both pages share, and the rest of the console's. Of
 * many small ones a browser requests no more than six at a time, and each is compressed by itself.
 */
const SCRIPTS = [
  {
    name: "shared",
    test: /node_modules\/(react|react-dom|scheduler)\/|\/src\/shared\/|vite\/preload-helper/,
    priority: 2,
  },
  { name: "console", test: /\/src\/console\//, tags: ["$initial" as const], priority: 1 },
];

export default defineConfig(({ mode }) => ({
  // The pages are served at / and at /graphql, perhaps below the path of a proxy.
  base: "./",
  plugins: [react(), fontFiles(), operations(), inlineStyles(), compressed()],
  worker: { format: "es" },
  css: { modules: { generateScopedName: scopedName } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      input: mode === "quick" ? ["index.html"] : ["index.html", "graphiql.html"],
      output: { codeSplitting: { groups: SCRIPTS } },
      // "use no memo" speaks to React's compiler, which has done its work on these packages.
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
}));
