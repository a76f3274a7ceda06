import { expect, test } from "vitest";

import { changed, parseAddress, printAddress } from "./address";

test("an empty query is the overview, with everything as it is by default", () => {
  expect(parseAddress("")).toEqual({
    view: "overview",
    filter: "",
    order: "",
    range: "",
    isUtc: false,
    execution: "",
    others: [],
  });
  expect(printAddress(parseAddress(""))).toBe("");
});

test("an address survives being printed and parsed", () => {
  const address = {
    view: "executions" as const,
    filter: 'state:ERROR,TIMEOUT -flow:"Bill & Söhne + 100%" duration>60s',
    order: "-created",
    range: "2026-11-01..2026-11-08",
    isUtc: true,
    execution: "2f1c",
    others: [["theme", "a b"]] as const,
  };
  expect(parseAddress(printAddress(address))).toEqual(address);
});

test("a filter can be read in the URL", () => {
  const address = changed(parseAddress(""), {
    view: "executions",
    filter: "state:ERROR,TIMEOUT x",
  });
  expect(printAddress(address)).toBe("?view=executions&filter=state:ERROR,TIMEOUT+x");
});

test("half a character is written as one that is missing", () => {
  const address = changed(parseAddress(""), { filter: "a\ud800😀" });
  expect(parseAddress(printAddress(address)).filter).toBe("a\ufffd😀");
});

test("parameters of others are kept", () => {
  const address = parseAddress("?view=executions&trace=1&trace=2");
  expect(printAddress(changed(address, { view: "overview" }))).toBe("?trace=1&trace=2");
});

test("a view that does not exist is the overview", () => {
  expect(parseAddress("?view=nothing").view).toBe("overview");
});
