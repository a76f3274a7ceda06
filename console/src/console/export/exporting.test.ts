import { expect, test } from "vitest";

import type { ExportedFragment } from "../generated/graphql";
import { type Refusal, Refused } from "../gateway";
import { type Ends, Export, type FileOrder } from "./exporting";

const ROW = { databaseId: 1, guid: "x", state: "ERROR" } as ExportedFragment;

function refused(kind: Refusal["kind"]) {
  return new Refused({ kind, needsKey: false, title: "", detail: "" });
}

/** A list of executions, and a file; `fails` says what becomes of a page that is asked for. */
function ends(total: number, fails: (asked: number, first: number) => Refusal["kind"] | null) {
  const file: string[] = [];
  const sizes: number[] = [];
  const waits: number[] = [];
  const orders: FileOrder[] = [];
  const written: number[] = [];
  const them: Ends = {
    async page({ order, first, after }) {
      sizes.push(first);
      orders.push(order);
      const kind = fails(sizes.length, first);
      if (kind) throw refused(kind);
      const from = Number(after ?? 0);
      const until = Math.min(total, from + first);
      const rows = Array.from({ length: until - from }, (_, index) => ({
        ...ROW,
        databaseId: from + index,
      }));
      return { rows, cursor: until < total ? String(until) : null };
    },
    write: async (text) => void file.push(text),
    progress: (count) => void written.push(count),
    wait: async (milliseconds) => void waits.push(milliseconds),
  };
  const ids = () =>
    file
      .join("")
      .split("\n")
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { id: number }).id);
  return { them, sizes, waits, orders, written, ids };
}

const NEVER = new AbortController().signal;
const upTo = (total: number) => Array.from({ length: total }, (_, index) => index);

test("all pages are written, once and in their order", async () => {
  const { them, written, ids } = ends(2500, () => null);
  await new Export("jsonl", them, true).run(NEVER);
  expect(written).toEqual([1000, 2000, 2500]);
  expect(ids()).toEqual(upTo(2500));
});

test("a gateway that does not answer is asked again, with more and more patience", async () => {
  const { them, waits, ids } = ends(1500, (asked) => (asked === 2 || asked === 3 ? "away" : null));
  await new Export("jsonl", them, true).run(NEVER);
  expect(waits).toEqual([500, 2000]);
  expect(ids()).toEqual(upTo(1500));
});

test("pages get smaller where the gateway allows no larger ones", async () => {
  const { them, sizes, ids } = ends(300, (_, first) => (first > 200 ? "input" : null));
  await new Export("jsonl", them, true).run(NEVER);
  expect(sizes).toEqual([1000, 500, 250, 125, 125, 125]);
  expect(ids()).toEqual(upTo(300));
});

test("pages have one execution where the gateway allows no more", async () => {
  const { them, ids } = ends(30, (_, first) => (first > 1 ? "input" : null));
  await new Export("jsonl", them, true).run(NEVER);
  expect(ids()).toEqual(upTo(30));
});

test("after a failure it goes on where it was", async () => {
  let isDown = true;
  const { them, ids } = ends(1500, (asked) => (asked > 1 && isDown ? "away" : null));
  const exporting = new Export("jsonl", them, true);
  await expect(exporting.run(NEVER)).rejects.toBeInstanceOf(Refused);
  isDown = false;
  await exporting.run(NEVER);
  expect(ids()).toEqual(upTo(1500));
});

test("in an order in which executions move, only what is one page is written", async () => {
  const small = ends(1000, () => null);
  await new Export("jsonl", small.them, false).run(NEVER);
  expect(small.orders).toEqual(["list"]);
  const large = ends(2500, () => null);
  await new Export("jsonl", large.them, false).run(NEVER);
  expect(large.orders).toEqual(["list", "creation", "creation", "creation"]);
  expect(large.ids()).toEqual(upTo(2500));
});

test("what is written is not written again if only the file could not be closed", async () => {
  const { them, sizes, ids } = ends(10, () => null);
  const exporting = new Export("jsonl", them, true);
  await exporting.run(NEVER);
  await exporting.run(NEVER);
  expect(sizes).toEqual([1000]);
  expect(ids()).toEqual(upTo(10));
});

test("what the key may not do is not tried again", async () => {
  const { them, sizes } = ends(10, () => "scope");
  await expect(new Export("csv", them, true).run(NEVER)).rejects.toBeInstanceOf(Refused);
  expect(sizes).toEqual([1000]);
});

test("it ends when it is aborted", async () => {
  const controller = new AbortController();
  const { them, written } = ends(5000, (asked) => {
    if (asked === 2) controller.abort();
    return null;
  });
  await expect(new Export("jsonl", them, true).run(controller.signal)).rejects.toThrow("aborted");
  expect(written).toEqual([1000]);
});
