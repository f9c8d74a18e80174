// The list of calls: its filters, its pages, and one request at a time.
import { useCallback, useEffect, useState } from 'react';

import { ApiError } from '../../api/http';
import type { CallRecord } from '../../api/wire';
import { useSession } from '../../state/context';

export interface CallFilters {
  from?: string | undefined;
  until?: string | undefined;
  queue?: string | undefined;
  agent?: string | undefined;
  outcome?: string | undefined;
  ani?: string | undefined;
}

/** Calls of one page. */
export const PAGE_ITEMS = 50;

export interface Calls {
  filters: CallFilters;
  items: readonly CallRecord[];
  /** From 1. */
  page: number;
  more: boolean;
  busy: boolean;
  failed: string | null;
  search(filters: CallFilters): void;
  previous(): void;
  next(): void;
}

/** What is asked for: the cursors of the pages so far, the last one being asked for now. */
interface Asked {
  filters: CallFilters;
  cursors: readonly (string | undefined)[];
}

export function useCalls(): Calls {
  const { api } = useSession();
  const [asked, setAsked] = useState<Asked>({ filters: {}, cursors: [undefined] });
  const [items, setItems] = useState<readonly CallRecord[]>([]);
  const [next, setNext] = useState<string | null>(null);
  const [busy, setBusy] = useState(true);
  const [failed, setFailed] = useState<string | null>(null);

  useEffect(() => {
    const control = new AbortController();
    setBusy(true);
    api
      .calls({ ...asked.filters, limit: PAGE_ITEMS, cursor: asked.cursors.at(-1) }, control.signal)
      .then(
        (page) => {
          setItems(page.items);
          setNext(page.next);
          setFailed(null);
          setBusy(false);
        },
        (error: unknown) => {
          if (control.signal.aborted) return;
          setFailed(error instanceof ApiError ? error.code : 'unreachable');
          setBusy(false);
        },
      );
    return () => control.abort();
  }, [api, asked]);

  return {
    filters: asked.filters,
    items,
    page: asked.cursors.length,
    more: next !== null,
    busy,
    failed,
    search: useCallback((filters) => setAsked({ filters, cursors: [undefined] }), []),
    previous: () =>
      setAsked(({ filters, cursors }) => ({ filters, cursors: cursors.slice(0, Math.max(1, cursors.length - 1)) })),
    next: () => {
      if (next !== null) setAsked(({ filters, cursors }) => ({ filters, cursors: [...cursors, next] }));
    },
  };
}
