// Arrow keys among the things of a list or grid that can be steered; a key of the board leads into it.
import type { KeyboardEvent } from 'react';

const THINGS = '[data-steer]';

/** Goes to the next one in the direction of the arrow that was pressed. */
export function moveByArrow(event: KeyboardEvent<HTMLElement>): void {
  const things = [...event.currentTarget.querySelectorAll<HTMLElement>(THINGS)];
  const at = things.findIndex((one) => one === document.activeElement);
  if (at < 0) return;
  const top = things[0]?.getBoundingClientRect().top;
  const columns = Math.max(1, things.filter((one) => one.getBoundingClientRect().top === top).length);
  const steps: Record<string, number> = { ArrowDown: columns, ArrowUp: -columns, ArrowRight: 1, ArrowLeft: -1 };
  const step = steps[event.key];
  if (step === undefined) return;
  event.preventDefault();
  things[at + step]?.focus();
}

/** Goes to the first one of a part of the board. */
export function enter(part: string): void {
  document.querySelector<HTMLElement>(`[data-testid=${part}] ${THINGS}`)?.focus();
}
