import { useSyncExternalStore } from "react";

import type { Connection } from "./connection";
import { useGateway } from "./GatewayProvider";
import type { Observable } from "./observable";

/** The value of an observable, which may change. */
export function useObservable<Value>(source: Observable<Value>): Value {
  return useSyncExternalStore(source.subscribe, source.get);
}

/** Whether changes arrive as they happen. */
export function useConnection(): Connection {
  return useObservable(useGateway().live.connection);
}
