// The messages of a mailbox, newest first; older ones are added below.
import { useEffect, useState } from 'react';

import { ApiError } from '../../api/http';
import type { MessageData } from '../../api/wire';
import { useSession } from '../../state/context';

export interface Messages {
  items: readonly MessageData[];
  more: boolean;
  busy: boolean;
  failed: string | null;
  older(): void;
  again(): void;
}

const NONE: { items: readonly MessageData[]; next: string | null } = { items: [], next: null };

export function useMessages(mailbox: string | null, open: boolean): Messages {
  const { api } = useSession();
  const list = `${mailbox} ${open}`;
  const [shown, setShown] = useState(NONE);
  // A cursor is of one list: of another one it says nothing.
  const [asked, setAsked] = useState<{ of: string; cursor: string | undefined; times: number }>({ of: list, cursor: undefined, times: 0 });
  const cursor = asked.of === list ? asked.cursor : undefined;
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<string | null>(null);
  useEffect(() => setShown(NONE), [list]);
  useEffect(() => {
    if (mailbox === null) return undefined;
    const control = new AbortController();
    setBusy(true);
    setFailed(null);
    api
      .messages(mailbox, open, cursor, control.signal)
      .then(
        ({ items, next }) => setShown((before) => ({ items: cursor ? [...before.items, ...items] : items, next })),
        (error: unknown) => {
          if (!control.signal.aborted) setFailed(error instanceof ApiError ? error.code : 'unreachable');
        },
      )
      .finally(() => {
        if (!control.signal.aborted) setBusy(false);
      });
    return () => control.abort();
  }, [api, mailbox, open, cursor, asked.times]);
  const ask = (after: string | undefined): void => setAsked(({ times }) => ({ of: list, cursor: after, times: times + 1 }));
  const older = (): void => ask(shown.next ?? undefined);
  return { items: shown.items, more: shown.next !== null, busy, failed, older, again: () => ask(undefined) };
}
