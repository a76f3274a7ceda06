export { KeyHelp } from "./KeyHelp";
export { KeyProvider, useKey } from "./KeyProvider";
