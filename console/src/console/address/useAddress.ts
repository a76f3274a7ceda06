import { useSyncExternalStore } from "react";

import { type Address, type Change, changed, parseAddress, printAddress } from "./address";

const NAVIGATED = "console:navigated";

let query = "";
let current = parseAddress(query);

/** What the page shows now. */
export function readAddress(): Address {
  if (location.search !== query) {
    query = location.search;
    current = parseAddress(query);
  }
  return current;
}

/** The URL of what a change leads to, for links. */
export function urlOf(change: Change): string {
  // An empty URL would be the one that is open.
  return printAddress(changed(readAddress(), change)) || location.pathname;
}

/**
 * Show something else. What a person would call a step can be gone back from; with `replace` the
 * step before is replaced, as while someone types.
 */
export function go(change: Change, { replace = false }: { replace?: boolean } = {}): void {
  const url = urlOf(change);
  if (url === (location.search || location.pathname)) return;
  if (replace) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  dispatchEvent(new Event(NAVIGATED));
}

function subscribe(listener: () => void): () => void {
  addEventListener("popstate", listener);
  addEventListener(NAVIGATED, listener);
  return () => {
    removeEventListener("popstate", listener);
    removeEventListener(NAVIGATED, listener);
  };
}

/** What the page shows; it renders anew when that changes. Change it with `go`. */
export function useAddress(): Address {
  return useSyncExternalStore(subscribe, readAddress);
}
