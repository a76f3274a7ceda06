import { expect, test } from "vitest";

import { linkTo, sharedIn } from "./link";

const PAGE = "http://gateway.example/some/path/graphql?x=1#old";

test("a link carries an operation to whoever opens it", () => {
  const shared = {
    query: 'query A {\n  a(b: "c&d=#%")\n}',
    variables: '{ "e": "ü 日本" }',
    operationName: "A",
  };
  expect(sharedIn(new URL(linkTo(shared, PAGE)).hash)).toEqual(shared);
});

test("a link has all of the operation in its fragment, which no server sees", () => {
  const link = new URL(linkTo({ query: "{ a }", variables: "", operationName: null }, PAGE));
  expect(link.href.replace(link.hash, "")).toBe("http://gateway.example/some/path/graphql?x=1");
  expect(link.hash).toBe("#query=%7B+a+%7D");
});

test("a fragment of another kind carries no operation", () => {
  expect(sharedIn("")).toBeNull();
  expect(sharedIn("#section")).toBeNull();
  expect(sharedIn("#variables=%7B%7D")).toBeNull();
});
