import { expect, test } from "vitest";

// Who may import whom: what is in a line imports only what is in the lines below it.
const LAYERS = [
  ["console", "graphiql"],
  ["console/overview", "console/executions", "console/execution", "console/rail"],
  ["console/acting", "console/export", "console/table"],
  ["console/list", "console/views"],
  ["console/filter"],
  ["console/notices"],
  ["console/keyboard", "console/time"],
  ["console/design"],
  ["console/address", "console/gateway", "console/kept", "console/parts"],
  ["console/generated", "shared"],
];
/** Packages that one folder alone imports, so that another could take their place. */
const OWNERS: Record<string, string> = {
  "@tanstack/react-virtual": "console/table",
  "@urql/core": "console/gateway",
  "graphql-sse": "console/gateway",
  "graphql-ws": "console/gateway",
  uplot: "console/overview",
  urql: "console/gateway",
};

const SOURCES = import.meta.glob<string>(["./**/*.{ts,tsx}", "!./console/generated/**"], {
  query: "?raw",
  import: "default",
  eager: true,
});
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"([^"]+)"/g;

interface Import {
  file: string;
  folder: string;
  /** What is imported, as it is written. */
  name: string;
  /** Where that is in `src`; null for a package, and for what is elsewhere. */
  path: string | null;
}

const IMPORTS = Object.entries(SOURCES).flatMap(([file, source]) =>
  [...source.matchAll(IMPORT)].map(([, name = ""]): Import => {
    const folder = file.split("/").slice(1, -1).join("/");
    return { file, folder, name, path: name.startsWith(".") ? pathOf(folder, name) : null };
  }),
);

function pathOf(folder: string, name: string): string | null {
  const { pathname } = new URL(name, `file:///console/src/${folder}/`);
  return pathname.startsWith("/console/src/") ? pathname.slice("/console/src/".length) : null;
}

/** The number of the layer that a file or a folder is in, from the top; -1 if it is in none. */
function layerOf(path: string): number {
  return LAYERS.findLastIndex((folders) =>
    folders.some((folder) => path === folder || path.startsWith(`${folder}/`)),
  );
}

function written({ file, name }: Import): string {
  return `${file} imports ${name}`;
}

test("every folder has a layer", () => {
  const folders = new Set(IMPORTS.map(({ folder }) => folder).filter((folder) => folder !== ""));
  expect([...folders, "console/generated"].sort()).toEqual(LAYERS.flat().sort());
});

test("a folder imports only from layers below its own", () => {
  const wrong = IMPORTS.filter(
    ({ folder, path }) =>
      path !== null &&
      folder !== "" &&
      !path.startsWith(`${folder}/`) &&
      layerOf(path) <= layerOf(folder),
  );
  expect(wrong.map(written)).toEqual([]);
});

test("a folder is imported by its index, if it has one", () => {
  const wrong = IMPORTS.filter(({ folder, path }) => {
    if (path === null || path === folder) return path !== null;
    const owner = path.split("/").slice(0, -1).join("/");
    return owner !== folder && `./${owner}/index.ts` in SOURCES;
  });
  expect(wrong.map(written)).toEqual([]);
});

test("a package that could be replaced is imported by one folder alone", () => {
  const wrong = IMPORTS.filter(({ folder, name }) => {
    const owner = OWNERS[name];
    return owner !== undefined && owner !== folder && folder.startsWith("console");
  });
  expect(wrong.map(written)).toEqual([]);
});
