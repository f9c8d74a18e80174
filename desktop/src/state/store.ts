// Holds the state and tells React; a flood of board events is drawn at most twenty times a second,
// what concerns one's own call at once.

import type { EventFrame } from '../api/wire';
import { dropUnconfirmed, expectSnapshot, NOTHING, reduce, type DeskState } from './reducer';

/** The board is redrawn at most once in so many milliseconds. */
export const REDRAW_MS = 50;
/** A snapshot has no end mark; what it has not spoken of after so long is over. */
export const SNAPSHOT_MS = 3_000;

/** Runs something later; returns how to cancel it. */
export type After = (ms: number, run: () => void) => () => void;

export class DeskStore {
  #state: DeskState = NOTHING;
  #shown: DeskState = NOTHING;
  #listeners = new Set<() => void>();
  #redraw: (() => void) | null = null;
  #sweep: (() => void) | null = null;
  #me: string;
  #after: After;
  #board: boolean;

  /** `board`: whether `me` is told of everyone's calls. */
  constructor(me: string, after: After, board = false) {
    this.#me = me;
    this.#after = after;
    this.#board = board;
  }

  /** What is shown. */
  readonly snapshot = (): DeskState => this.#shown;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  apply(frame: EventFrame): void {
    this.#state = reduce(this.#state, frame, this.#me, this.#board);
    if (this.#state === this.#shown) return;
    if (concerns(frame, this.#me)) this.#show();
    else this.#redraw ??= this.#after(REDRAW_MS, () => this.#show());
  }

  /** The connection begins with a snapshot. What is shown stays until it came: nothing flickers. */
  expectSnapshot(): void {
    this.#state = expectSnapshot(this.#state);
    this.#sweep?.();
    this.#sweep = this.#after(SNAPSHOT_MS, () => {
      this.#sweep = null;
      this.#state = dropUnconfirmed(this.#state);
      this.#show();
    });
  }

  #show(): void {
    this.#redraw?.();
    this.#redraw = null;
    this.#shown = this.#state;
    for (const listener of this.#listeners) listener();
  }
}

/** Whether an event changes what the agent must see at once. */
function concerns(frame: EventFrame, me: string): boolean {
  switch (frame.type) {
    case 'screen_pop':
    case 'screen_pop_update':
    case 'targets':
    case 'transfer_ended':
      return true;
    case 'call_state':
      return (frame.data as { agent_id?: unknown }).agent_id === me;
    case 'agent_state':
      return (frame.data as { agent_id?: unknown }).agent_id === me;
    default:
      return false;
  }
}
