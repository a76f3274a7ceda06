export { Boundary } from "./Boundary";
export { EmptyDatabase } from "./EmptyDatabase";
export { ErrorWords } from "./ErrorWords";
export { KeyPrompt } from "./KeyPrompt";
export { LostConnection } from "./LostConnection";
export { NothingMatches } from "./NothingMatches";
export { Notice } from "./Notice";
