import { expect, test } from "vitest";

import { refusalOf } from "./refusals";

function refusal(status: number | undefined, code?: string, message = "It is so") {
  const errors = code === undefined ? [] : [{ message, extensions: { code } }];
  return refusalOf({ status, errors, hasKey: false });
}

test("no response at all means that the gateway can't be reached", () => {
  expect(refusal(undefined)).toMatchObject({ kind: "away", needsKey: false });
});

test("a missing key is one, be the status 401 or not", () => {
  expect(refusal(401, "UNAUTHENTICATED")).toMatchObject({ kind: "key", needsKey: true });
  expect(refusal(200, "UNAUTHENTICATED")).toMatchObject({ kind: "key", needsKey: true });
});

test("a missing scope is named", () => {
  const found = refusal(200, "FORBIDDEN", "This needs a key with the scope update");
  expect(found.kind).toBe("scope");
  expect(found.detail).toContain("the scope update.");
});

test("an operation that the gateway does not know asks to load the page again", () => {
  expect(refusal(200, "PERSISTED_QUERY_NOT_FOUND").kind).toBe("outdated");
  expect(refusal(200, "PERSISTED_QUERY_NOT_IN_LIST").kind).toBe("outdated");
});

test("what may pass is told apart from what will not", () => {
  expect(refusal(503, "SERVICE_UNAVAILABLE").kind).toBe("away");
  expect(refusal(502).kind).toBe("away");
  expect(refusal(500).detail).toBe("It answered 500.");
  expect(refusal(200, "BAD_USER_INPUT", "first must be at most 1000")).toMatchObject({
    kind: "input",
    detail: "first must be at most 1000.",
  });
});
