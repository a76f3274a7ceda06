/** How often it is looked whether the page has what it shows. */
const LOOK_EVERY_MS = 1_500;

/**
 * Load parts that may be wanted next, once nothing that is shown is being loaded, from which they
 * would take the network. Returns what ends the waiting for that.
 */
export function preloadWhenSettled(...parts: readonly { preload(): void }[]): () => void {
  const timer = setInterval(() => {
    // What is being loaded says so to screen readers.
    if (document.querySelector('[aria-busy="true"]')) return;
    clearInterval(timer);
    for (const each of parts) each.preload();
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
