import { Suspense, useEffect } from "react";

import { ActingProvider } from "./acting/ActingProvider";
import { useAddress } from "./address";
import { ToastProvider, ViewHeader } from "./design";
import { Frame } from "./Frame";
import { GatewayProvider, useGateway, useObservable } from "./gateway";
import { KeyProvider } from "./keyboard";
import { ListProvider } from "./list/ListProvider";
import { ErrorBoundary, KeyPrompt } from "./notices";
import { Overview } from "./overview/Overview";
import { part, preloadWhenSettled } from "./parts";

const Executions = part(() => import("./executions/Executions"));
const ExecutionDrawer = part(() => import("./execution/ExecutionDrawer"));

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

  useEffect(() => preloadWhenSettled(Executions, ExecutionDrawer), []);

  return (
    <Frame beside={drawer}>
      {locked ? (
        <KeyPrompt refusal={locked} />
      ) : (
        <ErrorBoundary key={view}>
          {view === "overview" ? (
            <Overview />
          ) : (
            <Suspense fallback={<ComingView title={TITLES[view]} />}>
              <Executions />
            </Suspense>
          )}
        </ErrorBoundary>
      )}
    </Frame>
  );
}

/** Stands in the place of a view that is being loaded. */
function ComingView({ title }: { title: string }) {
  return (
    <div aria-busy="true">
      <ViewHeader title={title} />
    </div>
  );
}
