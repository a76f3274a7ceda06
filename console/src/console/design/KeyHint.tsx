import styles from "./marks.module.css";

const NAMES: Record<string, string> = {
  enter: "Enter",
  escape: "Esc",
  delete: "Del",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
  " ": "Space",
};

/** The keys of an action, as they are on a keyboard: `g e` is one after the other. */
export function KeyHint({ keys }: { keys: string }) {
  const parts = keys.split(/(?<=.) /).flatMap((step) => step.split(/(?<=.)\+/));
  return (
    <span className={styles.keys}>
      {parts.map((part, index) => (
        // The same key may come twice.
        <kbd key={index} className={styles.key}>
          {NAMES[part.toLowerCase()] ?? (part.length === 1 ? part : capitalised(part))}
        </kbd>
      ))}
    </span>
  );
}

function capitalised(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}
