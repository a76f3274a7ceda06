import type { Address } from "../address";
import { allOf, parseFilter } from "../filter/language";
import { conditionOf, parseRange } from "../time";
import { type Order, orderByOf, parseOrder } from "./order";
import { type Outside, runningOutside } from "./outside";
import type { Asked } from "./source";

/** What an address asks the list for. */
export interface Question {
  /** Null if it can't be understood: then nothing is asked. */
  asked: Asked | null;
  /** What runs outside the times that are listed; null if all times are. */
  outside: Outside | null;
  order: Order;
}

type Given = Pick<Address, "filter" | "range" | "order">;

/** What an address asks for at a moment (milliseconds since 1970), in a time zone. */
export function questionOf(address: Given, zone: string, now: number): Question {
  const parsed = parseFilter(address.filter, { now: new Date(now), zone });
  const { filter, problems } = parsed;
  const range = parseRange(address.range, zone);
  const order = parseOrder(address.order);
  if (problems.length > 0 || range === null) return { asked: null, outside: null, order };
  const createdOn = conditionOf(range, now);
  return {
    asked: { filter: allOf([filter, createdOn && { createdOn }]), orderBy: orderByOf(order) },
    outside: runningOutside(address.filter, parsed, createdOn),
    order,
  };
}
