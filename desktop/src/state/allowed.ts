// Which buttons the phone bar has, their keys, and when they may be pressed: the server says.

import type { Action } from '../api/wire';
import type { Agent } from './reducer';

/** A key as `KeyboardEvent` names it. */
export interface Shortcut {
  code: string;
  shift: boolean;
}

/** A key that was pressed, as `KeyboardEvent` tells it. */
export interface Pressed {
  code: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  altKey: boolean;
  metaKey: boolean;
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
  return /^(F\d+|Pause)$/.test(SHORTCUTS[action].code);
}
/** What has a key, whether it is a button of the bar or a field of its own. */
const ALL: readonly Action[] = [...ACTIONS, 'dial'];

/** What an agent may give as reason for taking no calls, in the order of their digit keys. */
export const REASONS = ['break', 'meal', 'training', 'meeting', 'back_office'] as const;

/** Why a recording is paused, each with one key; the first is what the button and its key mean. */
export const PAUSES = [
  { reason: 'secret', code: 'Pause', shift: false },
  { reason: 'declined', code: 'ScrollLock', shift: false },
  { reason: 'private', code: 'ScrollLock', shift: true },
] as const;
export type PauseReason = (typeof PAUSES)[number]['reason'];

/** `⇧F9`, as written on the button. */
export function shortcutText(action: Action): string {
  return keyText(SHORTCUTS[action]);
}

/** A key as written on a button; what has a long name is short there. */
export function keyText({ code, shift }: Shortcut): string {
  const name = code === 'ScrollLock' ? 'ScrLk' : code;
  return shift ? `⇧${name}` : name;
}

/** The reason whose key was pressed, but for the first, whose key is that of its button. */
export function pauseOf(key: Pressed): PauseReason | null {
  if (key.ctrlKey || key.altKey || key.metaKey) return null;
  const found = PAUSES.slice(1).find(({ code, shift }) => code === key.code && shift === key.shiftKey);
  return found?.reason ?? null;
}

/** The action whose key was pressed. */
export function actionOf(key: Pressed): Action | null {
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

/**
 * Whether the agent may call someone now. `dial` is allowed to who may call out; colleagues and queues
 * may be called without that right by whoever is at work, idle and has a phone.
 */
export function mayDial(agent: Agent | null): boolean {
  if (agent === null || may(agent, 'dial')) return agent !== null;
  return agent.status !== 'signed_out' && agent.state === 'idle' && agent.phoneReachable;
}
