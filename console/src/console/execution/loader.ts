/** How long a load waits after the end of the one before. */
const PAUSE_MS = 1_000;

/** Loads what may change at any time. */
export interface Loader {
  /** Load it: now, or once more after what is being loaded and a pause. */
  load(): void;
  /** Load nothing more. */
  end(): void;
}

/** Load one at a time, however often and however fast something changes. */
export function loaderOf(load: () => Promise<void>): Loader {
  let isBusy = false;
  let isDue = false;
  let hasEnded = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  async function start() {
    isBusy = true;
    isDue = false;
    try {
      await load();
    } finally {
      if (!hasEnded) timer = setTimeout(goOn, PAUSE_MS);
    }
  }

  function goOn() {
    isBusy = false;
    if (isDue) void start();
  }

  return {
    load() {
      if (isBusy) isDue = true;
      else void start();
    },
    end() {
      hasEnded = true;
      clearTimeout(timer);
    },
  };
}
