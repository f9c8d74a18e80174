import { describe, expect, it } from 'vitest';

import type { Action } from '../src/api/wire';
import { actionOf, ACTIONS, keyText, may, mayDial, PAUSES, pauseOf, REASONS, SHORTCUTS, shortcutText, worksWhileTyping } from '../src/state/allowed';
import { markOf, MARKS } from '../src/state/marks';
import { pagesOf } from '../src/state/pages';
import { NOTHING, reduce, type Agent } from '../src/state/reducer';
import { agentData, frame } from './fakes';

const agent = (allowed: Action[]): Agent | null =>
  reduce(NOTHING, frame('agent_state', agentData({ allowed, state: 'talking' })), '8001').agents['8001'] ?? null;
const key = (code: string, more: Partial<KeyboardEvent> = {}) =>
  ({ code, shiftKey: false, ctrlKey: false, altKey: false, metaKey: false, ...more });

describe('a button', () => {
  it('may be pressed if and only if the server says so, whatever the state', () => {
    for (const action of ACTIONS) {
      expect(may(agent([action]), action)).toBe(true);
      expect(may(agent(ACTIONS.filter((other) => other !== action)), action)).toBe(false);
    }
  });

  it('may not be pressed before the state is known', () => {
    for (const action of ACTIONS) expect(may(null, action)).toBe(false);
  });
});

describe('calling someone', () => {
  const me = (changes: Parameters<typeof agentData>[0]) =>
    reduce(NOTHING, frame('agent_state', agentData({ allowed: [], ...changes })), '8001').agents['8001'] ?? null;

  it('needs no right, but an agent who is at work and idle, with a phone', () => {
    expect(mayDial(me({}))).toBe(true);
    expect(mayDial(me({ status: 'not_ready', reason: 'meal' }))).toBe(true);
    expect(mayDial(me({ status: 'signed_out' }))).toBe(false);
    expect(mayDial(me({ state: 'talking' }))).toBe(false);
    expect(mayDial(me({ phone_reachable: false }))).toBe(false);
    expect(mayDial(null)).toBe(false);
  });

  it('is possible whenever the server says so', () => {
    expect(mayDial(me({ state: 'acw', allowed: ['dial'] }))).toBe(true);
  });
});

describe('the keys', () => {
  it('are different for every action', () => {
    const all: Action[] = [...ACTIONS, 'dial'];
    expect(new Set(all.map(shortcutText)).size).toBe(all.length);
    expect(Object.keys(SHORTCUTS).sort()).toEqual([...all].sort());
    expect(actionOf(key('Insert', { shiftKey: true }))).toBe('dial');
  });

  it('are none that browsers use', () => {
    for (const { code } of Object.values(SHORTCUTS)) {
      expect(['F1', 'F3', 'F5', 'F6', 'F7', 'F10', 'F11', 'F12']).not.toContain(code);
    }
  });

  it('mean their action, with and without shift', () => {
    expect(actionOf(key('F2'))).toBe('ready');
    expect(actionOf(key('F9'))).toBe('wrap_up');
    expect(actionOf(key('F9', { shiftKey: true }))).toBe('extend_acw');
    expect(actionOf(key('F5'))).toBeNull();
  });

  it('are left to the browser with other modifiers', () => {
    for (const modifier of ['ctrlKey', 'altKey', 'metaKey']) {
      expect(actionOf(key('F4', { [modifier]: true }))).toBeNull();
    }
  });

  it('pause a recording for each reason, the usual one by the key of its button', () => {
    expect(PAUSES[0]).toMatchObject({ reason: 'secret', ...SHORTCUTS.pause_recording });
    expect(worksWhileTyping('pause_recording')).toBe(true);
    expect(pauseOf(key('Pause'))).toBeNull();
    expect(actionOf(key('Pause'))).toBe('pause_recording');
    expect(pauseOf(key('ScrollLock'))).toBe('declined');
    expect(pauseOf(key('ScrollLock', { shiftKey: true }))).toBe('private');
    expect(pauseOf(key('ScrollLock', { ctrlKey: true }))).toBeNull();
    for (const { code, shift } of PAUSES.slice(1)) expect(actionOf(key(code, { shiftKey: shift }))).toBeNull();
    expect(PAUSES.map(keyText)).toEqual(['Pause', 'ScrLk', '⇧ScrLk']);
  });

  it('offer only reasons that an agent may choose', () => {
    expect(REASONS).toEqual(['break', 'meal', 'training', 'meeting', 'back_office']);
  });
});

describe('a mark', () => {
  it('is what the agent does, or else what the agent chose', () => {
    expect(markOf({ status: 'ready', state: 'idle' })).toBe('ready');
    expect(markOf({ status: 'not_ready', state: 'idle' })).toBe('not_ready');
    expect(markOf({ status: 'signed_out', state: 'talking' })).toBe('talking');
    expect(new Set(MARKS).size).toBe(7);
  });
});

describe('the pages', () => {
  it('are those of the role', () => {
    expect(pagesOf('agent')).toEqual(['agent']);
    expect(pagesOf('supervisor')).toEqual(['board', 'trace', 'why']);
    expect(pagesOf('inspector')).toEqual(['records', 'board', 'why']);
    expect([...pagesOf('administrator')].sort()).toEqual(['agent', 'board', 'records', 'trace', 'why']);
  });

  it('of a role that is new to us are none', () => {
    expect(pagesOf('auditor' as never)).toEqual([]);
  });
});
