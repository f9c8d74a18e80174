// Which buttons the phone bar has, their keys, and when they may be pressed: the server says.

import type { Action } from '../api/wire';
import type { Agent } from './reducer';

/** A key as `KeyboardEvent` names it. */
export interface Shortcut {
  code: string;
  shift: boolean;
}

/** Function keys that browsers leave alone (not F1, F3, F5-F7, F10-F12). */
export const SHORTCUTS: Readonly<Record<Action, Shortcut>> = {
  ready: { code: 'F2', shift: false },
  not_ready: { code: 'F4', shift: false },
  sign_out: { code: 'F4', shift: true },
  hang_up: { code: 'F8', shift: false },
  extend_acw: { code: 'F9', shift: true },
  wrap_up: { code: 'F9', shift: false },
  transfer: { code: 'F2', shift: true },
  consult: { code: 'F8', shift: true },
  complete_transfer: { code: 'Enter', shift: true },
  swap_parties: { code: 'Home', shift: true },
  conference: { code: 'End', shift: true },
  cancel_consult: { code: 'Backspace', shift: true },
  dial: { code: 'Insert', shift: true },
  pause_recording: { code: 'Pause', shift: false },
  resume_recording: { code: 'Pause', shift: true },
};

/** The buttons in the order of the bar. */
export const BAR_ACTIONS: readonly Action[] = [
  'ready',
  'not_ready',
  'hang_up',
  'extend_acw',
  'wrap_up',
  'sign_out',
];

/** What moves a call, in the order of its panel. */
export const MOVES: readonly Action[] = [
  'transfer',
  'consult',
  'complete_transfer',
  'swap_parties',
  'conference',
  'cancel_consult',
];

/** What is taped, beside the moves: one of the two is shown. */
export const TAPE: readonly Action[] = ['pause_recording', 'resume_recording'];

export const ACTIONS: readonly Action[] = [...BAR_ACTIONS, ...MOVES, ...TAPE];

/** Whether a key means its action while someone types: only one that writes nothing and moves nothing. */
export function worksWhileTyping(action: Action): boolean {
  return /^F\d+$/.test(SHORTCUTS[action].code);
}
/** What has a key, whether it is a button of the bar or a field of its own. */
const ALL: readonly Action[] = [...ACTIONS, 'dial'];

/** What an agent may give as reason for taking no calls, in the order of their digit keys. */
export const REASONS = ['break', 'meal', 'training', 'meeting', 'back_office'] as const;

/** `⇧F9`, as written on the button. */
export function shortcutText(action: Action): string {
  const { code, shift } = SHORTCUTS[action];
  return shift ? `⇧${code}` : code;
}

/** The action whose key was pressed. */
export function actionOf(key: { code: string; shiftKey: boolean; ctrlKey: boolean; altKey: boolean; metaKey: boolean }): Action | null {
  if (key.ctrlKey || key.altKey || key.metaKey) return null;
  return (
    ALL.find((action) => {
      const { code, shift } = SHORTCUTS[action];
      return code === key.code && shift === key.shiftKey;
    }) ?? null
  );
}

/** Whether the server allows `action` now. Nothing else decides. */
export function may(agent: Agent | null, action: Action): boolean {
  return agent?.allowed.includes(action) ?? false;
}
