export { KeyHelp } from "./KeyHelp";
export { KeyProvider, useKey } from "./KeyProvider";
export type { KeyAction } from "./keys";
