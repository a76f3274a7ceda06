import { go, useAddress } from "../address";
import { Icon } from "../design";
import { offsetName, readersZone } from "../time";
import styles from "./rail.module.css";

/** In which zone times are shown: the reader's, or with a click UTC. */
export function ZoneItem() {
  const { isUtc } = useAddress();
  const zone = readersZone();
  const shown = isUtc ? "UTC" : zone;
  const other = isUtc ? zone : "UTC";
  return (
    <button
      type="button"
      className={styles.item}
      aria-label={`Times in ${shown}; show them in ${other}`}
      title={`Show times in ${other}`}
      onClick={() => go({ isUtc: !isUtc }, { replace: true })}
    >
      <Icon name="globe" />
      <span className={styles.name}>{cityOf(shown)}</span>
      {!isUtc && <span className={styles.aside}>{offsetName(Date.now(), zone)}</span>}
    </button>
  );
}

function cityOf(zone: string): string {
  return zone.slice(zone.lastIndexOf("/") + 1).replaceAll("_", " ");
}
