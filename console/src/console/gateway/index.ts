export type { Gateway } from "./client";
export type { Condition } from "./condition";
export type { Follower, Live } from "./follow";
export { type Access, GatewayProvider, useAccess, useGateway } from "./GatewayProvider";
export type { Operation } from "./operation";
export { type Refusal, Refused } from "./refusals";
export { useCondition, useObservable } from "./useCondition";
export { type Answer, useQuery } from "./useQuery";
export { useViewer, type Viewing } from "./useViewer";
