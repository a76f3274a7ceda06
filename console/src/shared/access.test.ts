import { expect, test } from "vitest";

import { refusalIn } from "./access";

function errorOf(code: string, message: string) {
  return { errors: [{ message, extensions: { code } }] };
}

test("an answer is no refusal, be it an error", () => {
  expect(refusalIn(200, { data: {} }, true)).toBeNull();
  expect(refusalIn(400, errorOf("BAD_USER_INPUT", "first is negative"), true)).toBeNull();
  expect(refusalIn(502, null, true)).toBeNull();
});

test("without a key, 401 says that one is needed", () => {
  const refusal = refusalIn(401, errorOf("UNAUTHENTICATED", "Show a key"), false);
  expect(refusal?.needsKey).toBe(true);
  expect(refusal?.title).toBe("This gateway needs a key.");
});

test("with a key, 401 says what is wrong with it", () => {
  const refusal = refusalIn(401, errorOf("UNAUTHENTICATED", "The key has expired"), true);
  expect(refusal?.title).toBe("The gateway does not take this key.");
  expect(refusal?.detail).toContain("The key has expired.");
});

test("a key that is too long for a header is not taken", () => {
  expect(refusalIn(431, null, true)?.needsKey).toBe(true);
});

test("a missing scope is named, be the status 403 or not", () => {
  const body = errorOf("FORBIDDEN", "This needs a key with the scope update; yours has read");
  for (const status of [200, 403]) {
    const refusal = refusalIn(status, body, true);
    expect(refusal?.needsKey).toBe(false);
    expect(refusal?.detail).toContain("the scope update; yours has read.");
  }
});

test("a refusal of a proxy, which is no GraphQL, is told too", () => {
  expect(refusalIn(401, null, true)?.needsKey).toBe(true);
  expect(refusalIn(403, null, true)?.title).toBe("Your key may not do this.");
});
