import { Mark } from "../../shared/Mark";
import { Link } from "../address";
import styles from "./rail.module.css";

/** What this is, with its mark; leads to the overview. */
export function Brand() {
  return (
    <Link to={{ view: "overview", filter: "", order: "", execution: "" }} className={styles.brand}>
      <Mark />
      Executions Gateway
    </Link>
  );
}
