const NAME = "executions-gateway:key";

/** Where the browser keeps nothing, the page does, until it is left. */
let held: string | null = null;

/** The API key of this tab; null when none was entered. It is gone when the tab is closed. */
export function readKey(): string | null {
  try {
    return sessionStorage.getItem(NAME) ?? held;
  } catch {
    return held;
  }
}

/** Keep a key for this tab, or with null forget it. */
export function keepKey(key: string | null): void {
  held = key;
  try {
    if (key === null) sessionStorage.removeItem(NAME);
    else sessionStorage.setItem(NAME, key);
  } catch {
    // Storage may be full or forbidden.
  }
}

/** Whether a text can be a key: others can't be sent, or break the header that they are sent in. */
export function canBeKey(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}
