export { Boundary } from "./Boundary";
export { EmptyDatabase } from "./EmptyDatabase";
export { ErrorWords } from "./ErrorWords";
export { KeyForm } from "./KeyForm";
export { KeyPrompt } from "./KeyPrompt";
export { LostConnection } from "./LostConnection";
export { Notice } from "./Notice";
export { OutdatedPage } from "./OutdatedPage";
