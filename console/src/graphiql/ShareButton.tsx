import { ToolbarButton, useGraphiQL } from "@graphiql/react";
import { useEffect, useState } from "react";

import { linkTo } from "./link";

const SHOWN_FOR_MS = 4000;

/** Copies a link to what is in the editors; whoever opens it finds it there, and runs it or not. */
export function ShareButton() {
  const [said, setSaid] = useState("");
  const { queryEditor, variableEditor, operationName, operations } = useGraphiQL(
    ({ queryEditor, variableEditor, operationName, operations }) => ({
      queryEditor,
      variableEditor,
      operationName,
      operations,
    }),
  );

  useEffect(() => {
    if (!said) return;
    const timer = setTimeout(() => setSaid(""), SHOWN_FOR_MS);
    return () => clearTimeout(timer);
  }, [said]);

  async function share() {
    const shared = {
      query: queryEditor?.getValue() ?? "",
      variables: variableEditor?.getValue() ?? "",
      operationName: (operations?.length ?? 0) > 1 ? (operationName ?? null) : null,
    };
    const link = linkTo(shared, location.href);
    try {
      await navigator.clipboard.writeText(link);
      setSaid("Link copied");
    } catch {
      // Browsers keep the clipboard from pages of plain http, and people may refuse it.
      history.replaceState(null, "", link);
      setSaid("The link is in the address bar");
    }
  }

  return (
    <>
      <ToolbarButton label="Copy a link to this query" onClick={() => void share()}>
        <LinkIcon />
      </ToolbarButton>
      <span role="status" className={said ? "toast" : "visually-hidden"}>
        {said}
      </span>
    </>
  );
}

function LinkIcon() {
  return (
    <svg
      className="graphiql-toolbar-icon"
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.6"
      strokeLinecap="round"
      aria-hidden="true"
    >
      <path d="M10 14a4.5 4.5 0 0 0 6.4 0l3-3a4.5 4.5 0 0 0-6.4-6.4l-1.2 1.2" />
      <path d="M14 10a4.5 4.5 0 0 0-6.4 0l-3 3a4.5 4.5 0 0 0 6.4 6.4l1.2-1.2" />
    </svg>
  );
}
