// The keyboard of the agent's page.
import { useEffect, useRef } from 'react';

import type { Action } from '../../api/wire';
import { actionOf, pauseOf, REASONS, worksWhileTyping } from '../../state/allowed';
import type { PauseReason } from '../../state/allowed';

interface Keys {
  onAct(action: Action): void;
  /** Pause the recording for another reason than the usual one. */
  onPause(reason: PauseReason): void;
  /** What a digit means while the list of reasons is open; null while it is closed. */
  reasons: ((reason: string) => void) | null;
  closeReasons(): void;
  /** A digit, from 1, outside of any field. */
  onDigit(nth: number): void;
}

export function useShortcuts(keys: Keys): void {
  const current = useRef(keys);
  current.current = keys;
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.repeat || event.isComposing) return;
      const { onAct, onPause, reasons, closeReasons, onDigit } = current.current;
      const action = actionOf(event);
      if (action && (worksWhileTyping(action) || !typing(event.target))) {
        event.preventDefault();
        onAct(action);
        return;
      }
      const pause = pauseOf(event);
      if (pause) {
        event.preventDefault();
        onPause(pause);
        return;
      }
      if (event.key === 'Escape' && reasons) closeReasons();
      const digit = digitOf(event);
      if (digit === null) return;
      const reason = REASONS[digit - 1];
      if (reasons && reason) {
        event.preventDefault();
        closeReasons();
        reasons(reason);
      } else if (!reasons && !typing(event.target)) {
        onDigit(digit);
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

/** The digit 1-9 that was pressed alone, on either part of the keyboard. */
function digitOf(event: KeyboardEvent): number | null {
  if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return null;
  const match = /^(?:Digit|Numpad)([1-9])$/.exec(event.code);
  return match ? Number(match[1]) : null;
}

/** Whether the key goes into a field. */
function typing(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches('input, textarea, select, [contenteditable]');
}
