import { type RefObject, useEffect } from "react";

/** Where there is no room beside the view; the same as in the style of the drawer. */
const NARROW = "(max-width: 60rem)";

/** In a narrow window, where the drawer has the whole page, nothing below it can be reached. */
export function useFullPage(drawer: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const narrow = matchMedia(NARROW);
    const below: HTMLElement[] = [];

    function free() {
      for (const element of below.splice(0)) element.inert = false;
    }

    function adapt() {
      free();
      if (!narrow.matches) return;
      const root = document.getElementById("console");
      let inside: Element | null = drawer.current;
      while (inside && inside !== root) {
        for (const beside of inside.parentElement?.children ?? []) {
          // What is on top of everything, or is read only, is not below it.
          const isAbove = beside.matches("dialog, [popover], [role=status], [role=alert]");
          if (beside === inside || isAbove || !(beside instanceof HTMLElement)) continue;
          if (beside.inert) continue;
          beside.inert = true;
          below.push(beside);
        }
        inside = inside.parentElement;
      }
      if (document.activeElement === document.body) drawer.current?.querySelector("h2")?.focus();
    }

    adapt();
    narrow.addEventListener("change", adapt);
    return () => {
      narrow.removeEventListener("change", adapt);
      free();
    };
  }, [drawer]);
}
