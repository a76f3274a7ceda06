import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin } from "vite";

const WORTH_IT = /\.(css|js|json|svg|ttf)$/;
// The best one, 11, takes twice as long for the last percent.
const QUALITY = 10;

/** Writes `name.br` and `name.gz` beside every asset that gets smaller by it. */
export function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    async writeBundle({ dir }) {
      if (dir === undefined) return;
      const assets = join(dir, "assets");
      const names = (await readdir(assets)).filter((name) => WORTH_IT.test(name));
      await Promise.all(names.map((name) => compress(join(assets, name))));
    },
  };
}

async function compress(path: string): Promise<void> {
  const content = await readFile(path);
  const params = {
    [constants.BROTLI_PARAM_QUALITY]: QUALITY,
    [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
  };
  await Promise.all([
    promisify(brotliCompress)(content, { params }).then((made) => writeFile(`${path}.br`, made)),
    promisify(gzip)(content, { level: 9 }).then((made) => writeFile(`${path}.gz`, made)),
  ]);
}
