// What of the floor is being steered, and the keys of a board that lead there.
import { useEffect, useRef, useState } from 'react';

import { useSession } from '../../state/context';
import type { Menu } from '../../state/steer';
import { enter } from './useArrows';

/** Function keys that browsers leave alone, as on the agent's page. */
export const BOARD_KEYS = { calls: 'F2', agents: 'F4', asks: 'F8', callbacks: 'F9' } as const;

export interface Steering {
  menu: Menu | null;
  /** Opens a list of choices; null for who may not steer. */
  open: ((menu: Menu) => void) | null;
  close(): void;
}

export function useSteering(): Steering {
  const may = useSession().identity.permissions.includes('floor.steer');
  const [menu, setMenu] = useState<Menu | null>(null);
  const opener = useRef<HTMLElement | null>(null);
  const open = (next: Menu): void => {
    opener.current = document.activeElement instanceof HTMLElement ? document.activeElement : null;
    setMenu(next);
  };
  const close = (): void => {
    setMenu(null);
    opener.current?.focus();
  };
  const closed = menu === null;
  useEffect(() => {
    if (!may || !closed) return undefined;
    const press = (event: KeyboardEvent): void => {
      if (event.repeat || event.shiftKey || event.ctrlKey || event.altKey || event.metaKey) return;
      const keys: Record<string, () => void> = {
        [BOARD_KEYS.calls]: () => enter('calls'),
        [BOARD_KEYS.agents]: () => enter('agents'),
        [BOARD_KEYS.asks]: () => open({ of: 'asks' }),
        [BOARD_KEYS.callbacks]: () => open({ of: 'callbacks' }),
      };
      const known = keys[event.key];
      if (!known) return;
      event.preventDefault();
      known();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [may, closed]);
  return { menu, open: may ? open : null, close };
}
