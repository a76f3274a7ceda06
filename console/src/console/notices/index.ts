export { ErrorBoundary } from "./ErrorBoundary";
export { EmptyDatabase } from "./EmptyDatabase";
export { ErrorNotice } from "./ErrorNotice";
export { KeyForm } from "./KeyForm";
export { KeyPrompt } from "./KeyPrompt";
export { LostConnection } from "./LostConnection";
export { Notice } from "./Notice";
export { OutdatedPage } from "./OutdatedPage";
