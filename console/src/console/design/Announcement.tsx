import { useEffect, useRef, useState } from "react";

/** People listen more slowly than executions change. */
const APART_MS = 10_000;
/** What was asked for on the way to something else is not worth saying. */
const SETTLED_MS = 500;

interface Props {
  /** Empty while there is nothing to say. */
  text: string;
  /** What the reader asked for, if only the first text about the same is worth saying. */
  about?: string;
}

/** Tells screen readers what has changed, when they have nothing else to say, and not all the time. */
export function Announcement({ text, about }: Props) {
  const [said, say] = useState("");
  const saidAt = useRef(-Infinity);
  const last = useRef<string>(undefined);

  useEffect(() => {
    if (text === "") {
      say("");
      return;
    }
    const isAsked = about !== undefined;
    if (isAsked && about === last.current) return;
    const wait = isAsked ? SETTLED_MS : Math.max(0, saidAt.current + APART_MS - Date.now());
    const timer = setTimeout(() => {
      last.current = about;
      saidAt.current = Date.now();
      say(text);
    }, wait);
    return () => clearTimeout(timer);
  }, [text, about]);

  return (
    <div role="status" className="visually-hidden">
      {said}
    </div>
  );
}
