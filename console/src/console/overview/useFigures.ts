import { useEffect, useState } from "react";

import { type Gateway, keepAsking, type Refusal, useGateway } from "../gateway";
import { type Asked, type Figures, figuresOf } from "./figures";

/** The figures that were shown last, so that coming back to them shows something at once. */
const shownLast = new WeakMap<Gateway, { key: string; figures: Figures }>();

interface Known {
  /** What it is about. */
  key: string;
  figures: Figures | null;
  refusal: Refusal | null;
}

/** What is known of the figures. */
export interface Answer {
  /** The newest figures; those of what was asked for before, while others are asked for. */
  figures: Figures | null;
  /** Why there are none, or none that are new. */
  refusal: Refusal | null;
  /** Whether the figures are not those that are asked for. */
  isLoading: boolean;
  again(): void;
}

/**
 * The figures of some executions; asked for anew, quietly, when executions change, and as time
 * passes. While the page is hidden, nothing is asked for. Null asks for nothing.
 */
export function useFigures(asked: Asked | null): Answer {
  const gateway = useGateway();
  const key = JSON.stringify(asked);
  const [known, setKnown] = useState<Known>(() => {
    const last = shownLast.get(gateway);
    return { key: "", refusal: null, figures: last?.key === key ? last.figures : null };
  });
  const [attempt, setAttempt] = useState(0);

  useEffect(() => {
    const about = JSON.parse(key) as Asked | null;
    if (about === null) return;
    return keepAsking(gateway, (signal) => figuresOf(gateway, about, signal), {
      found(figures) {
        shownLast.set(gateway, { key, figures });
        setKnown({ key, figures, refusal: null });
      },
      refused: (refusal) => setKnown(({ figures }) => ({ key, figures, refusal })),
    });
  }, [gateway, key, attempt]);

  return {
    figures: known.figures,
    refusal: known.key === key ? known.refusal : null,
    isLoading: asked !== null && known.key !== key,
    again: () => setAttempt((count) => count + 1),
  };
}
