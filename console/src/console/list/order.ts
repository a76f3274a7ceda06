import type { ExecutionOrder, ExecutionOrderField, OrderDirection } from "../generated/graphql";

// The words of the address for what executions can be ordered by, and how each begins.
const FIELDS = {
  created: ["CREATED_ON", "DESC"],
  updated: ["UPDATED_ON", "DESC"],
  finished: ["FINISHED_ON", "DESC"],
  duration: ["DURATION", "DESC"],
  state: ["STATE", "ASC"],
  flow: ["AGENTFLOW_ID", "ASC"],
  session: ["SESSION_ID", "ASC"],
} as const satisfies Record<string, readonly [ExecutionOrderField, OrderDirection]>;

/** What executions can be ordered by, as the address has it. */
export type OrderKey = keyof typeof FIELDS;

/** An order by one thing. */
export interface Order {
  key: OrderKey;
  isDescending: boolean;
}

const NEWEST_FIRST: Order = { key: "created", isDescending: true };

/** Read an order as it stands in an address, such as `-created`; newest first if it is none. */
export function parseOrder(text: string): Order {
  const isDescending = text.startsWith("-");
  const key = text.slice(isDescending ? 1 : 0);
  return Object.hasOwn(FIELDS, key) ? { key: key as OrderKey, isDescending } : NEWEST_FIRST;
}

/** Write an order as it stands in an address; newest first is nothing. */
export function printOrder({ key, isDescending }: Order): string {
  if (key === NEWEST_FIRST.key && isDescending) return "";
  return `${isDescending ? "-" : ""}${key}`;
}

/** The order in the words of the API. */
export function orderByOf({ key, isDescending }: Order): readonly ExecutionOrder[] {
  return [{ field: FIELDS[key][0], direction: isDescending ? "DESC" : "ASC" }];
}

/** The order after a click on the head of its column: there, back, and newest first again. */
export function nextOrder(order: Order, key: OrderKey): Order {
  const beginsDescending = FIELDS[key][1] === "DESC";
  if (order.key !== key) return { key, isDescending: beginsDescending };
  if (order.isDescending === beginsDescending) return { key, isDescending: !beginsDescending };
  return NEWEST_FIRST;
}
