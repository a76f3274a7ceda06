import { parse } from "graphql";
import { expect, test } from "vitest";

import { curlOf, graphqlOf } from "./copies";

test("curl asks below the path of the page, and names the key only by its variable", () => {
  expect(curlOf("run-1", "https://example.org/gate/executions", false)).toBe(
    "curl -sS 'https://example.org/gate/executions/run-1?include=data'",
  );
  expect(curlOf("run-1", "https://example.org/executions", true)).toContain(
    'Bearer $EXECUTIONS_GATEWAY_KEY"',
  );
});

test("a guid of any characters is one argument of curl and one string of GraphQL", () => {
  const guid = `it's "a" / b\\n (c) $d !e *`;
  expect(curlOf(guid, "https://example.org/executions", false)).toMatch(/^curl -sS '[^ ]*'$/);
  const text = JSON.stringify(parse(graphqlOf(guid)));
  expect(text).toContain(JSON.stringify(guid));
});

test("between the quotation marks is nothing that any shell takes for more than a text", () => {
  const guid = "a'(rm(ls))'!b*`c`$(d)\u2019;e\nf";
  const [, url = ""] = /^curl -sS '(.*)'$/.exec(curlOf(guid, "https://a.org/it's!/x", false)) ?? [];
  expect(url).toMatch(/^https:\/\/a\.org\/[\w%/?=-]*$/);
  expect(decodeURIComponent(new URL(url).pathname)).toBe(`/it's!/x/${guid}`);
});

test("a guid that would lead elsewhere in a path is asked for by a filter", () => {
  expect(curlOf("..", "https://example.org/executions", false)).toBe(
    "curl -sS 'https://example.org/executions?guid=..'",
  );
});
