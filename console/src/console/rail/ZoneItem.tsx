import { go, useAddress } from "../address";
import { Icon } from "../design";
import { offsetName, readersZone } from "../time";
import styles from "./rail.module.css";

/** In which zone times are shown: the reader's, or with a click UTC. */
export function ZoneItem() {
  const { isUtc } = useAddress();
  const zone = readersZone();
  const content = (
    <>
      <Icon name="globe" />
      <span className={styles.name}>
        <span className="visually-hidden">Times in </span>
        {isUtc ? "UTC" : cityOf(zone)}
      </span>
      {!isUtc && zone !== "UTC" && (
        <span className={styles.aside}>{offsetName(Date.now(), zone)}</span>
      )}
    </>
  );
  if (zone === "UTC") return <p className={styles.fact}>{content}</p>;
  return (
    <button
      type="button"
      className={styles.item}
      title={`Show times in ${isUtc ? zone : "UTC"}`}
      onClick={() => go({ isUtc: !isUtc }, { replace: true })}
    >
      {content}
    </button>
  );
}

function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
}
