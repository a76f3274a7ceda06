export { Amount } from "./amount";
export type { Gateway } from "./client";
export { type Condition, observable } from "./condition";
export { GatewayProvider, useAccess, useGateway } from "./GatewayProvider";
export { kindOf, type Refusal, Refused } from "./refusals";
export { useCondition, useObservable } from "./useCondition";
export { useQuery } from "./useQuery";
export { useViewer } from "./useViewer";
