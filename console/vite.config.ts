import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

import { compressed } from "./compressed.ts";
import { fontFiles } from "./fonts.ts";

export default defineConfig({
  // The page is served at /graphql and at /graphql/, perhaps below the path of a proxy.
  base: "./",
  plugins: [react(), fontFiles(), compressed()],
  worker: { format: "es" },
  build: {
    target: "es2022",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 5000,
    reportCompressedSize: false,
    rolldownOptions: {
      // "use no memo" speaks to React's compiler, which has done its work on these packages.
      checks: { moduleLevelDirective: false, pluginTimings: false },
    },
  },
});
