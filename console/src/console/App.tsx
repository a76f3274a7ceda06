import { lazy, Suspense, useEffect } from "react";

import { ActingProvider } from "./acting/ActingProvider";
import { useAddress } from "./address";
import { ToastProvider } from "./design";
import { Executions } from "./executions/Executions";
import { Frame } from "./Frame";
import { GatewayProvider, useGateway, useObservable } from "./gateway";
import { KeyProvider } from "./keyboard";
import { ListProvider } from "./list/ListProvider";
import { ErrorBoundary, KeyPrompt } from "./notices";
import { Overview } from "./overview/Overview";

const importDrawer = () => import("./execution/ExecutionDrawer");
const ExecutionDrawer = lazy(importDrawer);

/** When the view has what it needs. */
const DRAWER_AFTER_MS = 1_500;

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
    <ErrorBoundary>
      <Suspense>
        <ExecutionDrawer guid={execution} />
      </Suspense>
    </ErrorBoundary>
  );

  useEffect(() => {
    document.title = `${TITLES[view]} · Executions Gateway`;
  }, [view]);

  useEffect(() => {
    // It is there before somebody opens it; what goes wrong is told when they do.
    const timer = setTimeout(() => void importDrawer().catch(() => undefined), DRAWER_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);

  return (
    <Frame beside={drawer}>
      {locked ? (
        <KeyPrompt refusal={locked} />
      ) : (
        <ErrorBoundary key={view}>
          {view === "overview" ? <Overview /> : <Executions />}
        </ErrorBoundary>
      )}
    </Frame>
  );
}
