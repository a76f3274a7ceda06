import fc from "fast-check";
import { expect, test } from "vitest";

import type { ExportedFragment } from "../generated/graphql";
import { headOf, linesOf } from "./rows";

const ROW: ExportedFragment = {
  databaseId: 7,
  guid: "run-1",
  agentflowId: "flow-1",
  agentflowName: "Billing, „agent“",
  sessionId: null,
  state: "ERROR",
  createdOn: "2026-11-26T12:00:00.000Z",
  updatedOn: "2026-11-26T12:00:01.000Z",
  finishedOn: "2026-11-26T12:00:01.000Z",
  workspaceId: null,
  durationMs: -5,
  error: 'no "model"\nat all',
};

test("a file of CSV begins with the columns of the gateway's exports", () => {
  expect(headOf("csv")).toBe(
    "id,guid,agentflow_id,agentflow_name,session_id,state,created_on,updated_on,finished_on,workspace_id,duration_ms,error\r\n",
  );
  expect(headOf("jsonl")).toBe("");
});

test("texts are in quotation marks, numbers are not, and what is missing is nothing", () => {
  expect(linesOf("csv", [ROW])).toBe(
    '7,"run-1","flow-1","Billing, „agent“",,"ERROR","2026-11-26T12:00:00.000Z",' +
      '"2026-11-26T12:00:01.000Z","2026-11-26T12:00:01.000Z",,-5,"no ""model""\nat all"\r\n',
  );
});

test.each([
  ["=1+1", "'=1+1"],
  ["+1", "'+1"],
  ["-1", "'-1"],
  ["@SUM(A1)", "'@SUM(A1)"],
  ["\t=1", "'\t=1"],
  ["＝1", "'＝1"],
  ["'=1", "''=1"],
  ["", "'"],
  ["'", "''"],
  ["a=1", "a=1"],
  ["'a", "'a"],
])("the text %j is in the cell %j", (text, written) => {
  const line = linesOf("csv", [{ ...ROW, guid: text }]);
  expect(line.split(",")[1]).toBe(`"${written}"`);
});

test("whatever a text is, its cell is no formula, and is the cell of no other text", () => {
  const letters = fc.string({ unit: fc.constantFrom(..."=+-@\t\r\n'\"a,\0".split("")) });
  const written = (guid: string) => linesOf("csv", [{ ...ROW, guid }]);
  fc.assert(
    fc.property(letters, letters, (one, other) => {
      const cell = /^7,"((?:[^"]|"")*)","flow-1"/.exec(written(one))?.[1];
      expect(cell).not.toMatch(/^[=+\-@\t\r\n\0]/);
      expect(written(one) === written(other)).toBe(one === other);
    }),
  );
});

test("a line of JSON has the same names, and says which texts are empty", () => {
  const [line = ""] = linesOf("jsonl", [{ ...ROW, guid: "" }]).split("\n");
  expect(JSON.parse(line)).toMatchObject({
    id: 7,
    guid: "",
    session_id: null,
    created_on: "2026-11-26T12:00:00.000Z",
    duration_ms: -5,
    empty_texts: ["guid"],
  });
  expect(linesOf("jsonl", [ROW, ROW]).match(/\n/g)).toHaveLength(2);
});
