// Generates src/console/generated from the operations and fragments in the console's sources and
// from the gateway's schema: types for TypeScript, and every operation's text by its SHA-256, in
// persisted-documents.json. The page is built with the hashes alone.

import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { codegen } from "@graphql-codegen/core";
import { preset } from "@graphql-codegen/client-preset";
import { buildSchema, GraphQLError, parse } from "graphql";

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(HERE, "src", "console");
const GENERATED = join(SOURCES, "generated");
const SCHEMA = join(HERE, "..", "schema", "schema.graphql");
const OPERATION = /\bgraphql\(\s*`([^`]*)`/g;

// What the gateway's scalars are in JSON.
const SCALARS = {
  ID: "string",
  BigInt: "number",
  DateTime: "string",
  JSON: "unknown",
};

async function main() {
  const sdl = await readFile(SCHEMA, "utf8");
  const sections = await preset.buildGeneratesSection({
    baseOutputDir: "./",
    schema: parse(sdl),
    schemaAst: buildSchema(sdl),
    documents: await documentsIn(SOURCES),
    config: {
      documentMode: "string",
      enumType: "string-literal",
      scalars: SCALARS,
      strictScalars: true,
      useTypeImports: true,
      immutableTypes: true,
      // A fragment's fields are its own type, and are part of the types that spread it.
      inlineFragmentTypes: "combine",
    },
    presetConfig: {
      fragmentMasking: false,
      persistedDocuments: { mode: "replaceDocumentWithHash", hashAlgorithm: "sha256" },
    },
    plugins: [],
    pluginMap: {},
  });
  await mkdir(GENERATED, { recursive: true });
  // One waits for another to have hashed the operations.
  const made = await Promise.all(
    sections.map(async (section) => [section.filename, await codegen(section)]),
  );
  await Promise.all(made.map(([name, content]) => place(join(GENERATED, name), content)));
}

async function documentsIn(folder) {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && /(?<!\.test)\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.startsWith(GENERATED))
    .sort();
  const found = await Promise.all(files.map(documentsOf));
  return found.flat();
}

async function documentsOf(file) {
  const source = await readFile(file, "utf8");
  return [...source.matchAll(OPERATION)].map(([, text]) => {
    const location = relative(HERE, file);
    if (text.includes("${")) throw new Error(`${location}: spread a fragment by its name instead`);
    return { location, rawSDL: text, document: parsed(text, location) };
  });
}

function parsed(text, location) {
  try {
    return parse(text);
  } catch (error) {
    if (error instanceof GraphQLError) throw new Error(`${location}: ${error.message}\n${text}`);
    throw error;
  }
}

/** Write a file unless it is the same, so that nothing is built anew without need. */
async function place(path, content) {
  const before = await readFile(path, "utf8").catch(() => null);
  if (before !== content) await writeFile(path, content);
}

try {
  await main();
} catch (error) {
  console.error(`generate: ${error.message}`);
  process.exitCode = 1;
}
