import { Link, type View } from "../address";
import { Icon, type IconName } from "../design";
import { useViews } from "../views/useViews";
import { Brand } from "./Brand";
import { KeyItem } from "./KeyItem";
import { LiveItem } from "./LiveItem";
import styles from "./rail.module.css";
import { SavedViews } from "./SavedViews";
import { ZoneItem } from "./ZoneItem";

const VIEWS: readonly { view: View; name: string; icon: IconName }[] = [
  { view: "overview", name: "Overview", icon: "overview" },
  { view: "executions", name: "Executions", icon: "executions" },
];

// Relative, as the page may be below the path of a proxy.
const PAGES: readonly { href: string; name: string; icon: IconName }[] = [
  { href: "./graphql", name: "GraphiQL", icon: "explore" },
  { href: "./openapi.json", name: "REST API", icon: "document" },
  { href: "./readyz", name: "Health", icon: "health" },
  { href: "./metrics", name: "Metrics", icon: "meter" },
];

interface Props {
  view: View;
  /** Opens the list of all shortcuts. */
  onKeys(): void;
}

/** Where everything is: the views, the gateway's other pages, and whose eyes these are. */
export function Rail({ view, onKeys }: Props) {
  const { current } = useViews();
  return (
    <div className={styles.rail}>
      <Brand />
      <nav aria-label="Views" className={styles.views}>
        <ul>
          {VIEWS.map((each) => (
            <li key={each.view}>
              <Link
                to={{ view: each.view, filter: "", order: "", execution: "" }}
                className={styles.item}
                aria-current={each.view === view && !current ? "page" : undefined}
              >
                <Icon name={each.icon} />
                {each.name}
              </Link>
            </li>
          ))}
        </ul>
        <SavedViews />
      </nav>
      <nav aria-label="Other pages">
        <ul>
          {PAGES.map(({ href, name, icon }) => (
            <li key={href}>
              <a href={href} className={styles.item}>
                <Icon name={icon} />
                {name}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div className={styles.foot}>
        <LiveItem />
        <KeyItem />
        <ZoneItem />
        <button type="button" className={styles.item} onClick={onKeys}>
          <Icon name="keyboard" />
          Shortcuts
        </button>
      </div>
    </div>
  );
}
