/** What can be done with the executions that are selected. */
export function ActionBar() {
  return null;
}
