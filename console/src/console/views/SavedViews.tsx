/** The reader's saved views, in the rail. */
export function SavedViews() {
  return null;
}
