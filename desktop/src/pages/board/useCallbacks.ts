// Who is to be called back: read from the calls that asked for it, for events only count them.
import { useEffect, useState } from 'react';

import type { Api } from '../../api/http';
import { useDesk, useSession } from '../../state/context';
import { standingOf, type Standing } from '../../state/steer';

/** Calls that are looked through, the newest first: what is older is reached by those who wait less. */
const LOOKED_MOST = 200;
const PAGE = 50;
/** Calls that are asked for at a time. */
const AT_ONCE = 6;

export interface Callbacks {
  list: readonly Standing[];
  phase: 'loading' | 'here' | 'failed';
}

/** Those who are to be called back, who asked first first; read again whenever their number changes. */
export function useCallbacks(): Callbacks {
  const { api } = useSession();
  const count = useDesk((state) => Object.values(state.queues).reduce((sum, { callbacks }) => sum + callbacks, 0));
  const [shown, setShown] = useState<Callbacks>({ list: [], phase: 'loading' });
  useEffect(() => {
    const control = new AbortController();
    readStanding(api, count, control.signal).then(
      (list) => setShown({ list, phase: 'here' }),
      () => {
        if (!control.signal.aborted) setShown(({ list }) => ({ list, phase: 'failed' }));
      },
    );
    return () => control.abort();
  }, [api, count]);
  return shown;
}

/** Reads until `count` callbacks are found, or there is nothing more to look through. */
export async function readStanding(api: Pick<Api, 'calls' | 'call'>, count: number, signal: AbortSignal): Promise<Standing[]> {
  const found: Standing[] = [];
  let cursor: string | undefined;
  for (let looked = 0; found.length < count && looked < LOOKED_MOST; looked += PAGE) {
    const page = await api.calls({ outcome: 'called_back', limit: PAGE, ...(cursor ? { cursor } : {}) }, signal);
    for (let at = 0; at < page.items.length && found.length < count; at += AT_ONCE) {
      const part = page.items.slice(at, at + AT_ONCE);
      const details = await Promise.all(part.map(({ call_id }) => api.call(call_id, signal)));
      found.push(...details.map(standingOf).filter((one) => one !== null));
    }
    if (page.next === null) break;
    cursor = page.next;
  }
  return found.sort((a, b) => a.booked - b.booked);
}
