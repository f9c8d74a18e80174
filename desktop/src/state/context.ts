// How components reach the session and what it knows.
import { createContext, useContext, useSyncExternalStore } from 'react';

import type { Session } from '../session';
import type { Agent, DeskState } from './reducer';

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = useContext(SessionContext);
  if (!session) throw new Error('useSession outside of a session');
  return session;
}

/** A part of the state; the component is drawn again when that part changes. */
export function useDesk<T>(select: (state: DeskState) => T): T {
  const { store } = useSession();
  const selected = (): T => select(store.snapshot());
  return useSyncExternalStore(store.subscribe, selected, selected);
}

/** The agent who is signed in here. */
export function useMe(): Agent | null {
  const { identity } = useSession();
  return useDesk((state) => state.agents[identity.user] ?? null);
}
