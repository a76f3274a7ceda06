// Builds the console and GraphiQL into server/static/console, where the gateway looks for them,
// unless what is there was built from the same sources. It waits for a build that is under way.
//
// `--beside PID` waits for no other build, and gives up when that process ends. `--check` only says,
// by its status, whether this Node can build it. `--quick` builds the console's page alone, which
// takes seconds, and checks no types.
//
// The status is 0 if the bundle is there, 1 if it could not be built, and 3 if npm could not install
// what the build needs, as on a machine that reaches no registry.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { closeSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const HERE = dirname(fileURLToPath(import.meta.url));
const BUNDLE = join(HERE, "..", "server", "static", "console");
const INSTALLED_FROM = join(HERE, "node_modules", ".installed-from");
const BUILT_FROM = join(HERE, "dist", ".built-from");
const LOCK = join(HERE, "build.lock");
const LOG = join(HERE, "build.log");
const INPUTS = ["src", "package.json", "package-lock.json", "tsconfig.json", "tsconfig.build.json"];
const SCHEMA = join(HERE, "..", "schema", "schema.graphql");
const GENERATED = join(HERE, "src", "console", "generated");
// What the gateway reads besides assets: its pages last, so that they name only what is there.
const NAMED = ["operations.json", "graphiql.html", "index.html"];
const LOOK_EVERY_MS = 300;
const FAILED = 1;
const NOT_INSTALLED = 3;

let running = null;

async function main() {
  const { values } = parseArgs({
    options: {
      beside: { type: "string" },
      check: { type: "boolean" },
      quick: { type: "boolean" },
    },
  });
  if (!isNodeNewEnough()) {
    return fail(`Node ${process.versions.node} can't build it; 20.19, or 22.12 or newer, can`);
  }
  if (values.check || (await isBuilt())) return;
  if (!takeLock()) {
    if (values.beside !== undefined) return say("it is being built already");
    say("it is being built already, by the process in console/build.lock; waiting for that ...");
    while (!takeLock()) await delay(LOOK_EVERY_MS);
  }
  process.on("exit", () => rmSync(LOCK, { force: true }));
  endWith(values.beside);
  // The build that was under way may have done it, or have failed.
  if (!(await isBuilt())) await build(values.quick === true);
}

async function build(isQuick) {
  const began = Date.now();
  const digest = await digestOfInputs();
  say("building it into the gateway, which takes a minute; the API does not wait for it ...");
  writeFileSync(LOG, "");
  const lock = await readFile(join(HERE, "package-lock.json"), "utf8");
  if ((await readIfThere(INSTALLED_FROM)) !== sha256(lock)) await install(lock);
  await npm("run", isQuick ? "build:quick" : "build");
  await publish(join(HERE, "dist"), { keepsOthers: isQuick });
  if (!isQuick) await writeFile(BUILT_FROM, digest);
  say(`built in ${Math.round((Date.now() - began) / 1000)} s; load its page again if it is open`);
}

async function install(lock) {
  try {
    await npm("ci");
  } catch (error) {
    error.status = NOT_INSTALLED;
    throw error;
  }
  await mkdir(dirname(INSTALLED_FROM), { recursive: true });
  await writeFile(INSTALLED_FROM, sha256(lock));
}

/** Put a build where the gateway looks, and remove what the build before left there. */
async function publish(built, { keepsOthers }) {
  const assets = join(BUNDLE, "assets");
  await mkdir(assets, { recursive: true });
  const names = await readdir(join(built, "assets"));
  for (const name of names) await place(join(built, "assets", name), join(assets, name));
  const there = new Set(await readdir(built));
  const named = NAMED.filter((name) => there.has(name));
  for (const name of named) await place(join(built, name), join(BUNDLE, name));
  if (keepsOthers) return;
  const before = (await readdir(assets)).filter((name) => !names.includes(name));
  await Promise.all(before.map((name) => rm(join(assets, name))));
}

async function place(from, to) {
  await copyFile(from, `${to}.new`);
  await rename(`${to}.new`, to);
}

function npm(...command) {
  const log = openSync(LOG, "a");
  // A group of its own, to be ended with all that npm starts.
  running = spawn("npm", command, { cwd: HERE, detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  return new Promise((resolve, reject) => {
    running.on("error", reject);
    running.on("exit", (code) => {
      running = null;
      if (code === 0) resolve();
      else reject(new Error(`npm ${command.join(" ")} failed`));
    });
  });
}

function endWith(pid) {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => end(1));
  if (pid === undefined) return;
  setInterval(() => isAlive(Number(pid)) || end(1), LOOK_EVERY_MS).unref();
}

function end(status) {
  // npm finishes what it is at when it is asked to end; whatever it leaves is made anew.
  if (running) process.kill(-running.pid, "SIGKILL");
  process.exit(status);
}

function takeLock() {
  try {
    writeFileSync(LOCK, String(process.pid), { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    const owner = ownerOfLock();
    if (owner !== null && isAlive(owner)) return false;
    if (owner !== null) rmSync(LOCK, { force: true });
    return takeLock();
  }
}

/** The process that has the lock; null if it has let go of it just now. */
function ownerOfLock() {
  try {
    return Number(readFileSync(LOCK, "utf8"));
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

function isNodeNewEnough() {
  const [major, minor] = process.versions.node.split(".").map(Number);
  return major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19);
}

async function digestOfInputs() {
  const hash = createHash("sha256");
  const scripts = (await readdir(HERE)).filter((name) => /\.(ts|mjs|html)$/.test(name));
  const inputs = [...INPUTS, ...scripts].sort().map((name) => join(HERE, name));
  for (const input of [...inputs, SCHEMA]) {
    for (const file of await filesIn(input)) {
      hash.update(relative(HERE, file)).update(await readFile(file));
    }
  }
  return hash.digest("hex");
}

async function filesIn(path) {
  try {
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile() && !entry.name.includes(".test."));
    return files
      .map((file) => join(file.parentPath ?? file.path, file.name))
      .filter((file) => !file.startsWith(GENERATED))
      .sort();
  } catch (error) {
    if (error.code === "ENOTDIR") return [path];
    if (error.code === "ENOENT") return [];
    throw error;
  }
}

async function isBuilt() {
  if ((await readIfThere(BUILT_FROM)) !== (await digestOfInputs())) return false;
  return hasBundle();
}

async function hasBundle() {
  return (await readIfThere(join(BUNDLE, "index.html"))) !== null;
}

async function readIfThere(path) {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error.code === "ENOENT") return null;
    throw error;
  }
}

function sha256(text) {
  return createHash("sha256").update(text).digest("hex");
}

function say(message) {
  console.log(`Console: ${message}`);
}

function fail(message, status = FAILED) {
  say(message);
  process.exitCode = status;
}

try {
  await main();
} catch (error) {
  const page = (await hasBundle())
    ? "it stays as it was"
    : "there is none, and GraphiQL is a CDN's";
  const what =
    error.status === NOT_INSTALLED
      ? "what it needs could not be installed"
      : "it could not be built";
  fail(`${what}, so ${page}: ${error.message}; console/build.log says why`, error.status);
}
