import { useState } from "react";

import { Link, useAddress } from "../address";
import { Icon, IconButton, Menu } from "../design";
import { NameDialog } from "../views/NameDialog";
import { BUILT_IN, changeTo, type SavedView } from "../views/savedViews";
import { useViews } from "../views/useViews";
import rail from "./rail.module.css";
import styles from "./savedViews.module.css";

/** The views that everybody has, and the reader's own, in the rail. */
export function SavedViews() {
  const { own, current, rename, remove, save } = useViews();
  const { filter, order, range, view } = useAddress();
  const [renaming, setRenaming] = useState<SavedView | null>(null);

  return (
    <>
      <h2 className={styles.heading}>Saved views</h2>
      <ul>
        {BUILT_IN.map((each) => (
          <li key={each.name}>
            <ViewLink view={each} isCurrent={each === current} />
          </li>
        ))}
        {own.map((each) => (
          <li key={`own ${each.name}`} className={styles.own}>
            <ViewLink view={each} isCurrent={each === current} />
            <Menu
              label={`The view ${each.name}`}
              trigger={(attributes) => (
                <IconButton
                  icon="more"
                  label={`Change the view ${each.name}`}
                  className={styles.more}
                  {...attributes}
                />
              )}
              items={[
                { name: "Rename", icon: "edit", choose: () => setRenaming(each) },
                {
                  name: "Replace by what is listed",
                  icon: "view",
                  off:
                    view !== "executions"
                      ? "No list is shown"
                      : each === current
                        ? "It is what is listed"
                        : undefined,
                  choose: () => save({ name: each.name, filter, order, range }),
                },
                {
                  name: "Delete",
                  icon: "delete",
                  isDangerous: true,
                  choose: () => remove(each),
                },
              ]}
            />
          </li>
        ))}
      </ul>
      {renaming && (
        <NameDialog
          title="Rename this view"
          name={renaming.name}
          taken={own.map(({ name }) => name).filter((name) => name !== renaming.name)}
          onName={(name) => rename(renaming.name, name)}
          onClose={() => setRenaming(null)}
        />
      )}
    </>
  );
}

function ViewLink({ view, isCurrent }: { view: SavedView; isCurrent: boolean }) {
  return (
    <Link
      to={changeTo(view)}
      className={rail.item}
      aria-current={isCurrent ? "page" : undefined}
      title={view.filter}
    >
      <Icon name="view" />
      <span className={rail.name} dir="auto">
        {view.name}
      </span>
    </Link>
  );
}
