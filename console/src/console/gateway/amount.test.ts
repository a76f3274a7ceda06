import { expect, test, vi } from "vitest";

import { Amount } from "./amount";
import { Refused } from "./refusals";

const refused = new Refused({ kind: "input", needsKey: false, title: "", detail: "" });

test("as much is asked for as is taken at once, and no more from then on", async () => {
  const amount = new Amount(100);
  const ask = vi.fn(async (most: number) => {
    if (most > 30) throw refused;
    return most;
  });
  expect(await amount.ask(ask)).toBe(25);
  expect(await amount.ask(ask)).toBe(25);
  expect(ask.mock.calls.flat()).toEqual([100, 50, 25, 25]);
});

test("where the gateway takes one at once, one is asked for", async () => {
  const amount = new Amount(100);
  const ask = async (most: number) => (most > 1 ? Promise.reject(refused) : most);
  expect(await amount.ask(ask)).toBe(1);
});

test("what is refused however little it is was not too much", async () => {
  const amount = new Amount(100);
  await expect(amount.ask(() => Promise.reject(refused))).rejects.toBe(refused);
  expect(amount.now).toBe(100);
});
