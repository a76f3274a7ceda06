import { type ComponentType, createElement, type FunctionComponent, lazy, useState } from "react";

/** A part of the page, with a script of its own. */
export type Part<Given extends object> = FunctionComponent<Given> & {
  /** Load it before it is shown. What goes wrong is told when it is. */
  preload(): void;
};

/** Make a part of what `importing` loads, when it is shown or before. */
export function part<Given extends object>(
  importing: () => Promise<{ default: ComponentType<Given> }>,
): Part<Given> {
  let loaded: ComponentType<Given> | undefined;

  async function load() {
    const found = await importing();
    loaded = found.default;
    return found;
  }

  const Lazy = lazy(load);

  function Shown(given: Given) {
    // React shows a fallback, and keeps it for a while, in the place of a lazy component that is
    // shown for the first time, loaded or not.
    const [Component] = useState<ComponentType<Given>>(() => loaded ?? Lazy);
    return createElement(Component, given);
  }

  return Object.assign(Shown, { preload: () => void load().catch(() => undefined) });
}
