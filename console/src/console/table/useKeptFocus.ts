import { type RefObject, useEffect, useLayoutEffect, useRef } from "react";

/**
 * Keeps the focus in the rows when the one that has it goes. Returns whether the focus is, or was
 * until now, in the rows.
 */
export function useKeptFocus(scroller: RefObject<HTMLDivElement | null>): RefObject<boolean> {
  const isWithin = useRef(false);

  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const enter = () => {
      isWithin.current = true;
    };
    const leave = ({ relatedTarget }: FocusEvent) => {
      // Nobody has moved the focus away from a row that is no longer there.
      if (relatedTarget) isWithin.current = false;
    };
    const press = ({ target }: PointerEvent) => {
      if (target instanceof Node && !element.contains(target)) isWithin.current = false;
    };
    element.addEventListener("focusin", enter);
    element.addEventListener("focusout", leave);
    addEventListener("pointerdown", press);
    return () => {
      element.removeEventListener("focusin", enter);
      element.removeEventListener("focusout", leave);
      removeEventListener("pointerdown", press);
    };
  }, [scroller]);

  useLayoutEffect(() => {
    const isLost = document.activeElement === document.body && document.hasFocus();
    if (!isWithin.current || !isLost) return;
    scroller.current?.querySelector<HTMLElement>("[data-guid][tabindex='0']")?.focus({
      preventScroll: true,
    });
  });

  return isWithin;
}
