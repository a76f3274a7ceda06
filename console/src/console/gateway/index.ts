export { Amount, MOST_AT_ONCE } from "./amount";
export type { Gateway } from "./client";
export type { Connection } from "./connection";
export { GatewayProvider, useAccess, useGateway } from "./GatewayProvider";
export { observable } from "./observable";
export { kindOf, type Refusal, Refused } from "./refusals";
export { useConnection, useObservable } from "./useConnection";
export { useQuery } from "./useQuery";
export { useViewer } from "./useViewer";
