import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import type { Fetcher, Storage } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { useState } from "react";

import type { Example } from "./examples";
import { FollowSystemTheme } from "./FollowSystemTheme";
import type { Shared } from "./link";
import { OpenLinks } from "./OpenLinks";
import { ShareButton } from "./ShareButton";
import { hasTabs } from "./storage";

const PLUGINS = [HISTORY_PLUGIN, explorerPlugin()];

interface Props {
  fetcher: Fetcher;
  storage: Storage;
  examples: Example[];
  /** What the link that opened the page carries. */
  shared: Shared | null;
}

/** GraphiQL, with the examples in its tabs, or with the tabs of an earlier visit. */
export function Explorer({ fetcher, storage, examples, shared }: Props) {
  // GraphiQL reads these once; they are what was there when it was first shown.
  const [first] = useState(() => shared ?? (hasTabs(storage) ? null : (examples[0] ?? null)));
  const [tabs] = useState(() => (shared ? [shared, ...examples] : examples));
  return (
    <GraphiQL
      fetcher={fetcher}
      storage={storage}
      plugins={PLUGINS}
      defaultTabs={tabs.map(({ query, variables }) => ({ query, variables }))}
      {...(first && { initialQuery: first.query, initialVariables: first.variables })}
      defaultEditorToolsVisibility="variables"
      shouldPersistHeaders={false}
      inputValueDeprecation
    >
      <GraphiQL.Logo>
        <span />
      </GraphiQL.Logo>
      <GraphiQL.Toolbar>
        {({ prettify, merge, copy }) => (
          <>
            {prettify}
            {merge}
            {copy}
            <ShareButton />
          </>
        )}
      </GraphiQL.Toolbar>
      <OpenLinks shared={shared} />
      <FollowSystemTheme />
    </GraphiQL>
  );
}
