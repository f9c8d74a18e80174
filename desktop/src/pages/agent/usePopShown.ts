// Tells the engine that a pop can be seen: after it was painted, for the phone rings only then.
import { useEffect } from 'react';

import { useSession } from '../../state/context';
import type { DeskState, Pop } from '../../state/reducer';

/**
 * The first animation frame after the pop is in the document runs before it is painted, the
 * second after it. In a hidden tab there are no frames: nothing is shown, so nothing is said.
 */
export function usePopShown(pop: Pop | null): void {
  const session = useSession();
  const offer = pop?.offer_id ?? null;
  useEffect(() => {
    if (offer === null) return undefined;
    let frame = requestAnimationFrame(() => {
      frame = requestAnimationFrame(() => {
        if (waitsForPop(session.store.snapshot(), session.identity.user)) session.popShown(offer);
      });
    });
    return () => cancelAnimationFrame(frame);
  }, [offer, session]);
}

/** Whether the phone may still be waiting for the pop; after a refresh in a conversation it is not. */
export function waitsForPop({ agents }: DeskState, user: string): boolean {
  const state = agents[user]?.state;
  return state !== 'talking' && state !== 'acw';
}
