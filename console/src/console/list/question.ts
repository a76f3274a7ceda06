import type { Address } from "../address";
import { allOf, parseFilter } from "../filter/language";
import { boundsOf, conditionOf, parseRange } from "../time";
import { type Earlier, earlierRunning } from "./earlier";
import { type Order, orderByOf, parseOrder } from "./order";
import type { Asked } from "./source";

/** What an address asks the list for. */
export interface Question {
  /** Null if it can't be understood: then nothing is asked. */
  asked: Asked | null;
  /** What still runs of what is too old to be listed; null if nothing is. */
  earlier: Earlier | null;
  order: Order;
}

type Given = Pick<Address, "filter" | "range" | "order">;

/** What an address asks for at a moment (milliseconds since 1970), in a time zone. */
export function questionOf(address: Given, zone: string, now: number): Question {
  const parsed = parseFilter(address.filter, { now: new Date(now), zone });
  const { filter, problems } = parsed;
  const range = parseRange(address.range, zone);
  const order = parseOrder(address.order);
  if (problems.length > 0 || range === null) return { asked: null, earlier: null, order };
  const createdOn = conditionOf(range, now);
  return {
    asked: { filter: allOf([filter, createdOn && { createdOn }]), orderBy: orderByOf(order) },
    earlier: earlierRunning(address.filter, parsed, boundsOf(range, now).from),
    order,
  };
}
