import type { AnchorHTMLAttributes, MouseEvent } from "react";

import type { Change } from "./address";
import { go, urlOf, useAddress } from "./useAddress";

interface Props extends Omit<AnchorHTMLAttributes<HTMLAnchorElement>, "href"> {
  to: Change;
}

/** A link to something else that the page can show. It opens in a new tab as any other link. */
export function Link({ to, onClick, ...attributes }: Props) {
  // The rest of the address, which the link keeps, may change.
  useAddress();

  function follow(event: MouseEvent<HTMLAnchorElement>) {
    onClick?.(event);
    const isPlain = !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey);
    if (event.defaultPrevented || event.button !== 0 || !isPlain) return;
    event.preventDefault();
    go(to);
  }

  return <a href={urlOf(to)} onClick={follow} {...attributes} />;
}
