/** Where the filter is typed, and shown as chips. */
export function FilterBar() {
  return null;
}
