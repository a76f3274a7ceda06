import { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useEffect } from "react";

import { type Shared, sharedIn } from "./link";

/** Opens a link to a query that is followed while the page is open, in a tab of its own. */
export function OpenLinks({ shared }: { shared: Shared | null }) {
  const { addTab, setOperationName } = useGraphiQLActions();
  const { queryEditor, variableEditor } = useGraphiQL(({ queryEditor, variableEditor }) => ({
    queryEditor,
    variableEditor,
  }));

  useEffect(() => {
    if (queryEditor && shared?.operationName) setOperationName(shared.operationName);
  }, [queryEditor, shared, setOperationName]);

  useEffect(() => {
    function open() {
      const followed = sharedIn(location.hash);
      if (!followed) return;
      addTab();
      queryEditor?.setValue(followed.query);
      variableEditor?.setValue(followed.variables);
      if (followed.operationName) setOperationName(followed.operationName);
      forgetLink();
    }
    addEventListener("hashchange", open);
    return () => removeEventListener("hashchange", open);
  }, [addTab, setOperationName, queryEditor, variableEditor]);

  return null;
}

/** Take a link out of the address, so that loading the page again does not open it again. */
export function forgetLink(): void {
  history.replaceState(null, "", location.pathname + location.search);
}
