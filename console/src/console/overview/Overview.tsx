import { ViewHeader } from "../design";

/** What runs, what failed and how much of it, over a range of time. */
export function Overview() {
  return <ViewHeader title="Overview" />;
}
