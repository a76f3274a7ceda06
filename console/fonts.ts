import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import type { Plugin } from "vite";

const STYLES = /\/node_modules\/graphiql\/dist\/style\.css$/;
const FONT = /url\((["']?)data:font\/(\w+);base64,([A-Za-z0-9+/=]+)\1\)/g;
const FOLDER = join(import.meta.dirname, "node_modules", ".fonts");

/**
 * Makes files of the fonts that GraphiQL's styles hold as data, for every script there is: a
 * browser asks for those that it shows, and not for all of them before it shows anything.
 */
export function fontFiles(): Plugin {
  return {
    name: "font-files",
    apply: "build",
    enforce: "pre",
    async load(id) {
      if (!STYLES.test(id)) return null;
      const styles = await readFile(id, "utf8");
      await mkdir(FOLDER, { recursive: true });
      const files = new Map<string, Buffer>();
      const made = styles.replace(FONT, (_match, _quote, kind: string, data: string) => {
        const font = Buffer.from(data, "base64");
        const name = createHash("sha256").update(font).digest("hex").slice(0, 16);
        const file = join(FOLDER, `font-${name}.${kind}`);
        files.set(file, font);
        return `url("${relative(dirname(id), file)}")`;
      });
      await Promise.all([...files].map(([file, font]) => writeFile(file, font)));
      return made;
    },
  };
}
