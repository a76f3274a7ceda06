import { type RefObject, useLayoutEffect } from "react";

const GAP = 6;
const MARGIN = 8;

/** Where something stands in relation to what it belongs to. */
export interface Placement {
  /** Which of its edges is at the same edge of the anchor. */
  align?: "start" | "end" | "centre";
  /** Above the anchor if there is room, rather than below. */
  isAbove?: boolean;
}

/**
 * Keep a popover beside its anchor while it is open, inside the window. It is placed by numbers,
 * since not all browsers can yet anchor by CSS.
 */
export function useAnchor(
  anchor: RefObject<HTMLElement | null>,
  popover: RefObject<HTMLElement | null>,
  isOpen: boolean,
  { align = "start", isAbove = false }: Placement = {},
): void {
  useLayoutEffect(() => {
    if (!isOpen) return;
    function place() {
      if (!anchor.current || !popover.current) return;
      const at = anchor.current.getBoundingClientRect();
      const own = popover.current;
      const isRtl = getComputedStyle(anchor.current).direction === "rtl";
      const isAtRight = (align === "end") !== isRtl;
      const atEdge = isAtRight ? at.right - own.offsetWidth : at.left;
      const wanted = align === "centre" ? (at.left + at.right - own.offsetWidth) / 2 : atEdge;
      const below = at.bottom + GAP;
      const above = at.top - GAP - own.offsetHeight;
      const fitsBelow = below + own.offsetHeight <= innerHeight - MARGIN;
      const isUp = isAbove ? above >= MARGIN : !fitsBelow && above >= MARGIN;
      const right = innerWidth - MARGIN - own.offsetWidth;
      own.style.left = `${Math.max(MARGIN, Math.min(wanted, right))}px`;
      own.style.top = `${isUp ? above : below}px`;
    }
    place();
    addEventListener("scroll", place, { capture: true, passive: true });
    addEventListener("resize", place);
    return () => {
      removeEventListener("scroll", place, { capture: true });
      removeEventListener("resize", place);
    };
  }, [anchor, popover, isOpen, align, isAbove]);
}
