// The keys of the player. They leave fields and buttons alone.
import { useEffect, useRef } from 'react';

interface Keys {
  toggle(): void;
  skip(seconds: number): void;
  toStart(): void;
  toEnd(): void;
  faster(steps: number): void;
}

/** How far the arrow keys jump. */
const SKIP_SECONDS = 5;

export function usePlayerKeys(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      if (takesKey(event.target, event.key)) return;
      if (perform(event.key, current.current)) event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** Does what `key` stands for; false if it stands for nothing. */
export function perform(key: string, keys: Keys): boolean {
  switch (key) {
    case ' ':
      keys.toggle();
      return true;
    case 'ArrowLeft':
      keys.skip(-SKIP_SECONDS);
      return true;
    case 'ArrowRight':
      keys.skip(SKIP_SECONDS);
      return true;
    case 'Home':
      keys.toStart();
      return true;
    case 'End':
      keys.toEnd();
      return true;
    case '-':
      keys.faster(-1);
      return true;
    case '+':
    case '=':
      keys.faster(1);
      return true;
    default:
      return false;
  }
}

/** Whether the element with the focus has its own use for `key`. */
export function takesKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.matches('button, [role="button"]')) return key === ' ' || key === 'Enter';
  return target.matches('input, textarea, select, [contenteditable], [role="combobox"]');
}
