import { useSyncExternalStore } from "react";

import type { Condition, Observable } from "./condition";
import { useGateway } from "./GatewayProvider";

/** The value of an observable, which may change. */
export function useObservable<Value>(source: Observable<Value>): Value {
  return useSyncExternalStore(source.subscribe, source.get);
}

/** Whether changes arrive as they happen. */
export function useCondition(): Condition {
  return useObservable(useGateway().live.condition);
}
