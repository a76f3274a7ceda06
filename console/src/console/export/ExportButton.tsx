/** Saves what is filtered to a file. */
export function ExportButton() {
  return null;
}
