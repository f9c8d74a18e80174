// Times that run: drawn again only when their text changes, all from one ticker.
import { useSyncExternalStore } from 'react';

import { clock } from '../format/time';
import { useSession } from '../state/context';

/** How often running times are looked at: often enough that no second is skipped. */
const TICK_MS = 200;

const listeners = new Set<() => void>();
let ticking: ReturnType<typeof setInterval> | null = null;

export function onTick(listener: () => void): () => void {
  listeners.add(listener);
  ticking ??= setInterval(() => listeners.forEach((run) => run()), TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && ticking !== null) {
      clearInterval(ticking);
      ticking = null;
    }
  };
}

/** A text made of the server's time now; drawn again when it changes. */
export function useRunning(write: (now: number) => string): string {
  const { clock: server } = useSession();
  const now = (): string => write(server.now());
  return useSyncExternalStore(onTick, now, now);
}

/** Time since `since`. */
export function Timer({ since, className }: { since: number; className?: string }) {
  const shown = useRunning((now) => clock(now - since));
  return <span className={`timer ${className ?? ''}`}>{shown}</span>;
}

/** Time left until `until`, rounded up so that it ends at 00:00. */
export function Countdown({ until, className }: { until: number; className?: string }) {
  const shown = useRunning((now) => clock(Math.max(0, until - now) + 999));
  return <span className={`timer ${className ?? ''}`}>{shown}</span>;
}
