import { useState } from "react";

import { useFormats } from "../time";
import styles from "./json.module.css";
import { MOST_CHARACTERS, piecesOf } from "./texts";

interface Props {
  text: string;
  /** What stands behind it where it ends. */
  end?: string;
}

/** The beginning of a text of any length, and a button for more of it. */
export function LongText({ text, end = "" }: Props) {
  const [pieces, show] = useState(1);
  const { number } = useFormats();
  const { shown, left } = piecesOf(text, pieces);
  return (
    <>
      {shown}
      {left > 0 ? (
        <button type="button" className={styles.more} onClick={() => show(pieces * 4)}>
          … {number(Math.min(left, shown.length * 3 || MOST_CHARACTERS))} more characters
        </button>
      ) : (
        end
      )}
    </>
  );
}
