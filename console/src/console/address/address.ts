/** The views that an address can name. */
export type View = "overview" | "executions";

/** What the page shows, all of it; a link with it shows the same to another person. */
export interface Address {
  view: View;
  /** The filter, as it is typed. */
  filter: string;
  /** The order, such as `-created`; empty for newest first. */
  order: string;
  /**
   * The range of creation, such as `24h`, `7d` or `FROM..TO`; empty for that with which a view
   * begins: all time in the list, the last day in the overview.
   */
  range: string;
  /** Whether instants are shown in UTC rather than in the reader's time zone. */
  isUtc: boolean;
  /** The guid of the execution that is open; empty for none. */
  execution: string;
  /** Parameters of others, as they are. */
  others: readonly (readonly [string, string])[];
}

/** What a link or an action changes of an address. */
export type Change = Partial<Omit<Address, "others">>;

const OURS = new Set(["view", "filter", "order", "range", "zone", "execution"]);

/** Read the query of a URL. What is not understood is read as if it were not there. */
export function parseAddress(query: string): Address {
  const given = new URLSearchParams(query);
  const get = (name: string) => given.get(name) ?? "";
  return {
    view: get("view") === "executions" ? "executions" : "overview",
    filter: get("filter"),
    order: get("order"),
    range: get("range"),
    isUtc: get("zone").toUpperCase() === "UTC",
    execution: get("execution"),
    others: [...given].filter(([name]) => !OURS.has(name)),
  };
}

/** The query of the URL of an address, with its `?`; empty if everything is as it is by default. */
export function printAddress(address: Address): string {
  const parameters = [
    ["view", address.view === "overview" ? "" : address.view],
    ["filter", address.filter],
    ["order", address.order],
    ["range", address.range],
    ["zone", address.isUtc ? "UTC" : ""],
    ["execution", address.execution],
  ].filter(([, value]) => value !== "");
  const printed = [...parameters, ...address.others].map(
    ([name = "", value = ""]) => `${readable(name)}=${readable(value)}`,
  );
  return printed.length > 0 ? `?${printed.join("&")}` : "";
}

/** The address that a change leads to. */
export function changed(address: Address, change: Change): Address {
  return { ...address, ...change };
}

/** Encode what a query can't hold, and leave what people read in it: `state:ERROR,TIMEOUT`. */
function readable(text: string): string {
  // Half a character can't be encoded.
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, "\ufffd")).replace(
    /%(?:20|2C|2F|3A|40)/g,
    (code) => READABLE[code] ?? code,
  );
}

const READABLE: Record<string, string> = {
  "%20": "+",
  "%2C": ",",
  "%2F": "/",
  "%3A": ":",
  "%40": "@",
};
