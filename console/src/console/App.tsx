import { useEffect } from "react";

import { ActingProvider } from "./acting/ActingProvider";
import { useAddress } from "./address";
import { Boundary, KeyPrompt } from "./conditions";
import { ToastProvider } from "./design";
import { ExecutionDrawer } from "./execution/ExecutionDrawer";
import { Frame } from "./Frame";
import { GatewayProvider, useGateway, useObservable } from "./gateway";
import { KeyProvider } from "./keyboard";
import { Executions } from "./list/Executions";
import { ListProvider } from "./list/ListProvider";
import { Overview } from "./overview/Overview";

const TITLES = { overview: "Overview", executions: "Executions" } as const;

/** The console: the rail, and the view that the address names. */
export function App() {
  return (
    <GatewayProvider>
      <KeyProvider>
        <ToastProvider>
          <ListProvider>
            <ActingProvider>
              <Page />
            </ActingProvider>
          </ListProvider>
        </ToastProvider>
      </KeyProvider>
    </GatewayProvider>
  );
}

function Page() {
  const { view, execution } = useAddress();
  const locked = useObservable(useGateway().locked);
  const drawer = !locked && execution !== "" && (
    <Boundary>
      <ExecutionDrawer guid={execution} />
    </Boundary>
  );

  useEffect(() => {
    document.title = `${TITLES[view]} · Executions Gateway`;
  }, [view]);

  return (
    <Frame beside={drawer}>
      {locked ? (
        <KeyPrompt refusal={locked} />
      ) : (
        <Boundary key={view}>{view === "overview" ? <Overview /> : <Executions />}</Boundary>
      )}
    </Frame>
  );
}
