import { useState } from "react";

import { useAddress } from "../address";
import { IconButton, useToast } from "../design";
import { NameDialog } from "./NameDialog";
import { useViews } from "./useViews";

/** Keeps what is listed as a view with a name. */
export function SaveView() {
  const { filter, order, range } = useAddress();
  const { own, current, save } = useViews();
  const [isAsking, setAsking] = useState(false);
  const say = useToast();
  const isAll = filter === "" && order === "" && range === "";
  const off = current
    ? `It is saved as “${current.name}”`
    : isAll
      ? "There is no condition to save"
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
            say(`The view “${name}” is saved.`);
          }}
          onClose={() => setAsking(false)}
        />
      )}
    </>
  );
}
