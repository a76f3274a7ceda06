const NAME = "executions-gateway:key";

/** The API key of this tab; null when none was entered. It is gone when the tab is closed. */
export function readKey(): string | null {
  return sessionStorage.getItem(NAME);
}

/** Keep a key for this tab, or with null forget it. */
export function keepKey(key: string | null): void {
  if (key === null) sessionStorage.removeItem(NAME);
  else sessionStorage.setItem(NAME, key);
}
