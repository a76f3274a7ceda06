import { go, useAddress } from "../address";
import { Button } from "../design";
import styles from "./timeline.module.css";

const LONGER = [
  { range: "7d", name: "Last 7 days" },
  { range: "30d", name: "Last 30 days" },
  { range: "all", name: "All time" },
] as const;

/** Says that there is nothing to draw, in the place of the drawing, and where there may be. */
export function NothingInRange() {
  const { filter, range } = useAddress();
  return (
    <div className={styles.nothing}>
      <p>
        {filter === ""
          ? "No executions were created in this range."
          : "No executions of this range match the filter."}
      </p>
      <div className={styles.ways}>
        {LONGER.filter((each) => each.range !== range).map((each) => (
          <Button key={each.range} onClick={() => go({ range: each.range })}>
            {each.name}
          </Button>
        ))}
        {filter !== "" && (
          <Button icon="close" onClick={() => go({ filter: "" })}>
            Leave out the filter
          </Button>
        )}
      </div>
    </div>
  );
}
