// How fast a recording may be played.

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];

/** The speed `steps` further in the list, no further than its ends. */
export function stepped(now: number, steps: number): number {
  const to = Math.max(0, Math.min(SPEEDS.length - 1, SPEEDS.indexOf(now) + steps));
  return SPEEDS[to] ?? 1;
}
