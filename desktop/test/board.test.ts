import { describe, expect, it } from 'vitest';

import type { EventFrame } from '../src/api/wire';
import { agentsInOrder, callsInOrder, queuesInOrder, totals } from '../src/state/board';
import { NOTHING, reduce, type DeskState } from '../src/state/reducer';
import { agentData, callData, frame } from './fakes';

const after = (frames: EventFrame[]): DeskState => frames.reduce((state, one) => reduce(state, one, 'lead'), NOTHING);
const at = (minute: number): string => `2026-01-01T10:0${minute}:00.000+08:00`;
const agents = { signed_out: 0, not_ready: 0, idle: 0, reserved: 0, ringing: 0, talking: 0, acw: 0 };
const queue = (name: string, waiting: number, since: string | null) =>
  frame('queue_state', { queue: name, waiting, longest_wait_ms: 0, longest_wait_since: since, agents, open: true });

describe('the totals', () => {
  it('add the queues and take the longest wait of all', () => {
    const { waiting, longestSince } = totals(
      after([queue('a', 2, at(4)), queue('b', 1, at(3)), queue('c', 0, null)]),
    );
    expect(waiting).toBe(3);
    expect(longestSince).toBe(Date.parse(at(3)));
  });

  it('count every agent once, by what they do', () => {
    const { agents: counted } = totals(
      after([
        frame('agent_state', agentData({ agent_id: '1' })),
        frame('agent_state', agentData({ agent_id: '2', state: 'talking' })),
        frame('agent_state', agentData({ agent_id: '3', state: 'talking', status: 'not_ready' })),
        frame('agent_state', agentData({ agent_id: '4', status: 'not_ready', reason: 'meal' })),
        frame('agent_state', agentData({ agent_id: '5', status: 'signed_out' })),
      ]),
    );
    expect(counted).toEqual({ ready: 1, reserved: 0, ringing: 0, talking: 2, acw: 0, not_ready: 1, signed_out: 1 });
  });

  it('of nothing are nothing', () => {
    expect(totals(NOTHING)).toMatchObject({ waiting: 0, longestSince: null, calls: 0 });
  });
});

describe('the order', () => {
  it('of queues is that of the configuration', () => {
    const { queues } = after([queue('b', 0, null), queue('x', 0, null), queue('a', 0, null)]);
    expect(queuesInOrder(queues, ['b', 'a']).map(({ id }) => id)).toEqual(['b', 'a', 'x']);
  });

  it('of agents is by number, those signed out last', () => {
    const { agents: all } = after(
      ['10', '9', '8'].map((agent_id) =>
        frame('agent_state', agentData({ agent_id, status: agent_id === '8' ? 'signed_out' : 'ready' })),
      ),
    );
    expect(agentsInOrder(all).map(({ id }) => id)).toEqual(['9', '10', '8']);
  });

  it('of calls begins with those who wait, the longest first', () => {
    const { calls } = after([
      frame('call_state', callData({ call_id: 'talking', state: 'talking', since: at(0) })),
      frame('call_state', callData({ call_id: 'young', since: at(5) })),
      frame('call_state', callData({ call_id: 'old', since: at(1) })),
      frame('call_state', callData({ call_id: 'menu', state: 'menu', since: at(0) })),
    ]);
    expect(callsInOrder(calls).map(({ id }) => id)).toEqual(['old', 'young', 'menu', 'talking']);
  });

  it('stand after those that wait, whatever they are', () => {
    const states = ['conference', 'consulting', 'transferring', 'talking', 'queued'] as const;
    const { calls } = after(states.map((state) => frame('call_state', callData({ call_id: state, state }))));
    expect(callsInOrder(calls).map(({ id }) => id)[0]).toBe('queued');
  });
});
