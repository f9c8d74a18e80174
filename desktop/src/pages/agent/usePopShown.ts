// Tells the engine that a pop can be seen: after it was painted, for the phone rings only then.
import { useEffect } from 'react';

import { useSession } from '../../state/context';
import type { Pop } from '../../state/reducer';

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
      frame = requestAnimationFrame(() => session.popShown(offer));
    });
    return () => cancelAnimationFrame(frame);
  }, [offer, session]);
}
