import { expect, test } from "vitest";

import { nextOrder, orderByOf, parseOrder, printOrder } from "./order";

test.each(["", "created", "-updated", "updated", "-duration", "state", "-flow", "session"])(
  "the order %j is written as it was read",
  (text) => expect(printOrder(parseOrder(text))).toBe(text),
);

test("what is no order is newest first", () => {
  expect(orderByOf(parseOrder("colour"))).toEqual([{ field: "CREATED_ON", direction: "DESC" }]);
  expect(printOrder(parseOrder("-toString"))).toBe("");
});

test("a column orders one way, the other way, and no more", () => {
  const first = nextOrder(parseOrder(""), "duration");
  expect(printOrder(first)).toBe("-duration");
  const second = nextOrder(first, "duration");
  expect(printOrder(second)).toBe("duration");
  expect(printOrder(nextOrder(second, "duration"))).toBe("");
  expect(printOrder(nextOrder(second, "state"))).toBe("state");
});
