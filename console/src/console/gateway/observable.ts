/** A value that tells those who listen when it is replaced. */
export interface Observable<Value> {
  get(): Value;
  subscribe(listener: () => void): () => void;
}

/** An observable value, for who may replace it. */
export interface Settable<Value> extends Observable<Value> {
  set(value: Value): void;
}

/** Make an observable value; what is the same as before is told to nobody. */
export function observable<Value>(initial: Value): Settable<Value> {
  const listeners = new Set<() => void>();
  let value = initial;
  return {
    get: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
