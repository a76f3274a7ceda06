import type { Address } from "../address";
import { allOf, parseFilter } from "../filter/language";
import type { ExecutionFilter } from "../generated/graphql";
import { boundsOf, conditionOf, parseRange } from "../time";
import { type Order, orderByOf, parseOrder } from "./order";
import type { Asked } from "./source";

/** What an address asks the list for. */
export interface Question {
  /** Null if it can't be understood: then nothing is asked. */
  asked: Asked | null;
  /** The filter alone, without the range. */
  filter: ExecutionFilter | null;
  /** Where the range begins (milliseconds since 1970); null if it is open. */
  from: number | null;
  order: Order;
}

type Given = Pick<Address, "filter" | "range" | "order">;

/** What an address asks for at a moment (milliseconds since 1970), in a time zone. */
export function questionOf(address: Given, zone: string, now: number): Question {
  const { filter, problems } = parseFilter(address.filter, { now: new Date(now), zone });
  const range = parseRange(address.range, zone);
  const order = parseOrder(address.order);
  if (problems.length > 0 || range === null) return { asked: null, filter, from: null, order };
  const createdOn = conditionOf(range, now);
  return {
    asked: { filter: allOf([filter, createdOn && { createdOn }]), orderBy: orderByOf(order) },
    filter,
    from: boundsOf(range, now).from,
    order,
  };
}

/** The filter of what runs since before the range began; null if it has no beginning. */
export function runningBefore({ filter, from }: Question): ExecutionFilter | null {
  if (from === null) return null;
  const began = { createdOn: { lt: new Date(from).toISOString() } };
  return allOf([filter, { state: { eq: "INPROGRESS" }, ...began }]);
}
