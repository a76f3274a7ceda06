/** One execution, beside the view that it was opened from. */
export function ExecutionDrawer({ guid }: { guid: string }) {
  return <aside aria-label={`Execution ${guid}`} />;
}
