import { useCallback } from "react";

import { useToast } from "./Toasts";

/** Copies a text and says so: `copy(url, "The link")`. */
export function useCopy(): (text: string, what: string) => void {
  const say = useToast();
  return useCallback(
    (text, what) => {
      void copied(text).then((isCopied) =>
        say(
          isCopied
            ? `${what} is copied.`
            : {
                text: `${what} could not be copied: the browser does not allow it.`,
                isProblem: true,
              },
        ),
      );
    },
    [say],
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers keep the clipboard from pages of plain http, but not what is selected there.
    return copiedBySelection(text);
  }
}

function copiedBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.readOnly = true;
  area.className = "visually-hidden";
  // In a dialog, the focus can't leave it.
  (document.querySelector("dialog:modal") ?? document.body).append(area);
  const focused = document.activeElement;
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus();
  return isCopied;
}
