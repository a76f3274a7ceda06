import { useState } from "react";

import { useAddress } from "../address";
import { IconButton } from "../design";
import { NameDialog } from "./NameDialog";
import { MOST_VIEWS } from "./savedViews";
import { useViews } from "./useViews";

/** Keeps what is listed as a view with a name. */
export function SaveView() {
  const { filter, order, range } = useAddress();
  const { own, current, save } = useViews();
  const [isAsking, setAsking] = useState(false);
  const isAll = filter === "" && order === "" && range === "";
  const off = current
    ? `It is saved as “${current.name}”`
    : isAll
      ? "There is no condition to save"
      : own.length >= MOST_VIEWS
        ? `There are ${MOST_VIEWS} views, and there is no room for more`
        : undefined;

  return (
    <>
      <IconButton icon="view" label="Save this view" off={off} onClick={() => setAsking(true)} />
      {isAsking && (
        <NameDialog
          title="Save this view"
          name=""
          taken={own.map(({ name }) => name)}
          onName={(name) => {
            save({ name, filter, order, range });
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
