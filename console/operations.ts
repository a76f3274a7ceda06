import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Kind, parse } from "graphql";
import type { Plugin } from "vite";

const GENERATED = join(import.meta.dirname, "src", "console", "generated");
const MANIFEST = join(GENERATED, "persisted-documents.json");
const CALL = /\bgraphql\(\s*`([^`]*)`,?\s*\)/g;
const NAME = /^\s*(?:query|mutation|subscription)\s+(\w+)/;

/**
 * Leaves an operation's hash in place of its text, which the gateway has, and puts the manifest of
 * all texts beside the page, where the gateway reads it.
 */
export function operations(): Plugin {
  let hashes = new Map<string, string>();
  return {
    name: "operations",
    async buildStart() {
      hashes = hashesIn(await readFile(MANIFEST, "utf8"));
    },
    transform(code, id) {
      // What remains of the generated modules is types.
      if (id.startsWith(GENERATED)) return { code, map: null, moduleSideEffects: false };
      if (!code.includes("graphql(`")) return null;
      const made = code.replace(CALL, (_call, text: string) => {
        const name = NAME.exec(text)?.[1];
        // What remains of a fragment is its type.
        if (name === undefined) return "({})";
        const hash = hashes.get(name);
        if (hash === undefined) throw new Error(`${name} is new: npm run generate`);
        return `(${JSON.stringify({ __meta__: { hash } })})`;
      });
      return { code: made, map: null };
    },
    async generateBundle() {
      const source = await readFile(MANIFEST, "utf8");
      this.emitFile({ type: "asset", fileName: "operations.json", source });
    },
  };
}

function hashesIn(manifest: string): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const [hash, text] of Object.entries(JSON.parse(manifest) as Record<string, string>)) {
    for (const definition of parse(text).definitions) {
      if (definition.kind !== Kind.OPERATION_DEFINITION || !definition.name) continue;
      hashes.set(definition.name.value, hash);
    }
  }
  return hashes;
}
