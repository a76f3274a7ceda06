import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { compressed } from "./compressed.ts";
import { fontFiles } from "./fonts.ts";
import { operations } from "./operations.ts";

export default defineConfig(({ mode }) => ({
  // The pages are served at / and at /graphql, perhaps below the path of a proxy.
  base: "./",
  plugins: [react(), fontFiles(), operations(), compressed()],
  worker: { format: "es" },
  css: { modules: { generateScopedName: "[name]-[local]-[hash:base64:4]" } },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      input: mode === "quick" ? ["index.html"] : ["index.html", "graphiql.html"],
      // "use no memo" speaks to React's compiler, which has done its work on these packages.
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
}));
