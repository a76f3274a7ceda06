/** An action that keys run. */
export interface KeyAction {
  /**
   * The keys: one as `event.key` has it (`j`, `?`, `Enter`, `ArrowDown`), with `shift+` before
   * named ones where it matters, or two after each other (`g e`). Letters mean themselves,
   * whatever the keyboard's layout.
   */
  keys: string;
  /** What it does, for the list of all keys. */
  name: string;
  /** Under which heading the list has it. */
  group: string;
  /** Does it; null while there is nothing to do it with. It is in the list of all keys anyway. */
  run: ((event: KeyboardEvent) => void) | null;
}

/** An action that its keys run now. */
export type ReadyKeyAction = KeyAction & { run: (event: KeyboardEvent) => void };

/** How long the second key may take. */
export const SECOND_KEY_WITHIN_MS = 1_200;

/** What a key is called in `KeyAction.keys`; null for one that can't be in it. */
export function nameOfKey(event: KeyboardEvent): string | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return null;
  if (["Shift", "Control", "Alt", "Meta", "Dead"].includes(event.key)) return null;
  const isNamed = event.key.length > 1 || event.key === " ";
  if (isNamed) return event.shiftKey ? `shift+${event.key}` : event.key;
  // With Caps Lock, Shift makes small letters; it is a key with another one all the same.
  return event.shiftKey ? event.key.toUpperCase() : event.key.toLowerCase();
}

/** The actions of the page, those that were added last first. */
export class KeyRegistry {
  private readonly actions: KeyAction[] = [];
  private readonly listeners = new Set<() => void>();
  private listed: readonly KeyAction[] = [];
  private ready: readonly ReadyKeyAction[] = [];
  private first: { key: string; at: number } | null = null;

  /** Add an action until what is returned is called. It goes before an earlier one of its keys. */
  add(action: KeyAction): () => void {
    this.actions.unshift(action);
    this.tell();
    return () => {
      this.actions.splice(this.actions.indexOf(action), 1);
      this.tell();
    };
  }

  /** All actions that keys run, now or at times: one for each name that keys have. */
  all(): readonly KeyAction[] {
    return this.listed;
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** The action of a key, at a time in milliseconds; null if it has none, or not yet. */
  find(key: string, now: number): ReadyKeyAction | null {
    const { first } = this;
    this.first = null;
    if (first && now - first.at <= SECOND_KEY_WITHIN_MS) {
      const second = this.ready.find(({ keys }) => keys === `${first.key} ${key}`);
      if (second) return second;
    }
    const single = this.ready.find(({ keys }) => keys === key);
    if (single) return single;
    if (this.ready.some(({ keys }) => keys.startsWith(`${key} `) && keys.length > key.length + 1)) {
      this.first = { key, at: now };
    }
    return null;
  }

  private tell() {
    this.listed = firstOfEach(this.actions, ({ keys, name }) => `${keys} ${name}`);
    this.ready = firstOfEach(this.actions.filter(isReady), ({ keys }) => keys);
    for (const listener of this.listeners) listener();
  }
}

function isReady(action: KeyAction): action is ReadyKeyAction {
  return action.run !== null;
}

function firstOfEach<A>(actions: readonly A[], nameOf: (action: A) => string): A[] {
  const taken = new Set<string>();
  return actions.filter((action) => {
    const name = nameOf(action);
    return !taken.has(name) && taken.add(name);
  });
}
