import { describe, expect, it } from 'vitest';

import type { EventFrame, QueueStateData } from '../src/api/wire';
import { dropUnconfirmed, expectSnapshot, NOTHING, reduce, type DeskState } from '../src/state/reducer';
import { agentData, AT, callData, frame, popData } from './fakes';

const ME = '8001';
const after = (frames: EventFrame[], from: DeskState = NOTHING): DeskState =>
  frames.reduce((state, one) => reduce(state, one, ME), from);
const pop = frame('screen_pop', popData());
const me = (state: 'idle' | 'reserved' | 'ringing' | 'talking' | 'acw', call_id: string | null = 'c1-1-1') =>
  frame('agent_state', agentData({ state, call_id: state === 'idle' ? null : call_id }));

describe('an agent', () => {
  it('is as the last event says', () => {
    const state = after([me('idle'), frame('agent_state', agentData({ status: 'not_ready', reason: 'meal' }))]);
    expect(state.agents[ME]).toMatchObject({ status: 'not_ready', reason: 'meal', state: 'idle', since: Date.parse(AT) });
  });

  it('is known beside others', () => {
    const state = after([me('idle'), frame('agent_state', agentData({ agent_id: '8002', state: 'talking' }))]);
    expect(Object.keys(state.agents)).toEqual(['8001', '8002']);
  });

  it('has what may be done, what comes next and when the work ends', () => {
    const data = agentData({
      state: 'acw',
      allowed: ['extend_acw', 'wrap_up'],
      next_status: 'not_ready',
      next_reason: 'meal',
      acw_until: '2026-01-01T10:00:10.000+08:00',
      phone_reachable: false,
    });
    expect(after([frame('agent_state', data)]).agents[ME]).toMatchObject({
      allowed: ['extend_acw', 'wrap_up'],
      next: 'not_ready',
      nextReason: 'meal',
      acwUntil: Date.parse(AT) + 10_000,
      phoneReachable: false,
    });
  });
});

describe('the pop', () => {
  it('stays from the offer through conversation and wrap-up', () => {
    let state = after([me('idle'), pop]);
    for (const step of ['reserved', 'ringing', 'talking', 'acw'] as const) {
      state = after([me(step)], state);
      expect(state.pop?.offer_id, step).toBe('o1-1-1');
    }
    expect(after([me('idle')], state).pop).toBeNull();
  });

  it('is the same after a snapshot as it was', () => {
    const before = after([me('idle'), pop, me('reserved'), me('talking')]);
    const refreshed = after([me('talking'), pop]);
    expect(refreshed.pop).toEqual(before.pop);
    expect(refreshed.agents).toEqual(before.agents);
  });

  it('twice changes nothing', () => {
    const once = after([pop, me('ringing')]);
    expect(after([pop, me('ringing')], once)).toEqual(once);
  });

  it('gets its customer when the look-up ends', () => {
    const customer = { customer_id: 'C1', name: '王**', phone: '138******78', identity_number: '320***', class: 'a', city: '南京' };
    const update = { call_id: 'c1-1-1', lookup: 'found', customer, policies: [] };
    const state = after([pop, frame('screen_pop_update', update)]);
    expect(state.pop).toMatchObject({ lookup: 'found', customer, offer_id: 'o1-1-1', waited_ms: 23_000 });
  });

  it('is not changed by the look-up of another call', () => {
    const update = { call_id: 'c1-1-9', lookup: 'unknown', customer: null, policies: [] };
    expect(after([pop, frame('screen_pop_update', update)]).pop?.lookup).toBe('pending');
    expect(after([frame('screen_pop_update', update)]).pop).toBeNull();
  });

  it('goes when the call was missed', () => {
    const missed = frame('agent_state', agentData({ status: 'not_ready', reason: 'no_answer' }));
    expect(after([pop, me('ringing'), missed]).pop).toBeNull();
  });

  it('of a call that ended while the connection was lost goes with the snapshot', () => {
    const state = after([pop, me('talking')]);
    const later = after([me('talking', 'c1-1-2')], state);
    expect(later.pop).toBeNull();
    const next = frame('screen_pop', popData({ call_id: 'c1-1-2', offer_id: 'o1-1-2' }));
    expect(after([next], later).pop?.offer_id).toBe('o1-1-2');
  });

  it('is not touched by what other agents do', () => {
    const other = frame('agent_state', agentData({ agent_id: '8002', state: 'idle' }));
    expect(after([pop, me('ringing'), other]).pop).not.toBeNull();
  });

  it('stays if the state does not name the call', () => {
    expect(after([pop, me('ringing', null)]).pop).not.toBeNull();
  });
});

describe('calls', () => {
  it('move and end', () => {
    const queued = after([frame('call_state', callData())]);
    expect(queued.calls['c1-1-1']).toMatchObject({ state: 'queued', queue: 'claims', agent: null });
    const talking = after([frame('call_state', callData({ state: 'talking', agent_id: ME }))], queued);
    expect(talking.calls['c1-1-1']).toMatchObject({ state: 'talking', agent: ME });
    expect(after([frame('call_state', callData({ state: 'ended' }))], talking).calls).toEqual({});
  });

  it('that a snapshot does not speak of are over', () => {
    const before = after([
      frame('call_state', callData()),
      frame('call_state', callData({ call_id: 'c1-1-2', state: 'talking' })),
    ]);
    const expecting = expectSnapshot(before);
    expect(Object.keys(expecting.calls)).toHaveLength(2);
    const spoken = after([frame('call_state', callData({ call_id: 'c1-1-2', state: 'talking' }))], expecting);
    expect(Object.keys(dropUnconfirmed(spoken).calls)).toEqual(['c1-1-2']);
  });

  it('and alarms that are over by then are not shown on', () => {
    const before = after([
      frame('alarm', { alarm: 'disk', raised: true, detail: 'full' }),
      frame('alarm', { alarm: 'trunk north', raised: true, detail: 'no answer' }),
    ]);
    const expecting = expectSnapshot(before);
    const spoken = after([frame('alarm', { alarm: 'disk', raised: true, detail: 'full' })], expecting);
    expect(Object.keys(dropUnconfirmed(spoken).alarms)).toEqual(['disk']);
  });

  it('that are all confirmed cost no redraw', () => {
    const state = after([frame('call_state', callData())]);
    expect(dropUnconfirmed(state)).toBe(state);
  });
});

describe('a call that goes on without this agent', () => {
  const talking = frame('call_state', callData({ state: 'talking', agent_id: ME }));
  const acw = frame('agent_state', agentData({ state: 'acw', call_id: 'c1-1-1' }));
  const given = [me('talking'), talking, acw];

  it('is forgotten when the agent leaves it, for its end is not told', () => {
    expect(Object.keys(after(given).calls)).toEqual(['c1-1-1']);
    expect(after([...given, me('idle')]).calls).toEqual({});
  });

  it('is forgotten when the next one comes at once, which stays', () => {
    const next = frame('call_state', callData({ call_id: 'c1-1-2', state: 'offered', agent_id: ME }));
    expect(Object.keys(after([...given, next, me('reserved', 'c1-1-2')]).calls)).toEqual(['c1-1-2']);
  });

  it('is forgotten when it was missed', () => {
    const offered = frame('call_state', callData({ state: 'ringing', agent_id: ME }));
    expect(after([offered, me('ringing'), me('idle')]).calls).toEqual({});
  });

  it('stays on a board, and is not touched by what colleagues do', () => {
    const frames = [...given, me('idle')];
    const board = frames.reduce((state, one) => reduce(state, one, ME, true), NOTHING);
    expect(Object.keys(board.calls)).toEqual(['c1-1-1']);
    const colleague = (call_id: string | null) => frame('agent_state', agentData({ agent_id: '8002', call_id }));
    expect(Object.keys(after([talking, colleague('c1-1-1'), colleague(null)]).calls)).toEqual(['c1-1-1']);
  });
});

describe('lines', () => {
  const data = { trunk: 'carrier', calls: 3, refused: 1, targets: 2, reachable: 1, registered: null, answered_at: AT };

  it('are as the last event says', () => {
    const state = after([frame('trunk_state', data), frame('trunk_state', { ...data, reachable: 2, answered_at: null })]);
    expect(state.lines).toEqual({
      carrier: { id: 'carrier', calls: 3, refused: 1, targets: 2, reachable: 2, registered: null, answeredAt: null },
    });
  });
});

describe('queues and alarms', () => {
  const agents = { signed_out: 1, not_ready: 2, idle: 3, reserved: 0, ringing: 1, talking: 4, acw: 1 };

  it('are as the last event says', () => {
    const data: QueueStateData = { queue: 'claims', waiting: 2, longest_wait_ms: 5_000, longest_wait_since: AT, expected_wait: { median_ms: 90_000, p90_ms: 200_000 }, agents, open: false };
    const state = after([frame('queue_state', data)]);
    expect(state.queues['claims']).toEqual({ id: 'claims', waiting: 2, longestSince: Date.parse(AT), expected: [90_000, 200_000], callbacks: 0, agents, open: false });
    const empty = { ...data, waiting: 0, longest_wait_since: null };
    expect(after([frame('queue_state', empty)], state).queues['claims']?.longestSince).toBeNull();
  });

  it('are raised and cleared', () => {
    const raised = after([frame('alarm', { alarm: 'disk', raised: true, detail: 'full' })]);
    expect(raised.alarms).toEqual({ disk: { detail: 'full', link: 0 } });
    expect(after([frame('alarm', { alarm: 'disk', raised: false, detail: '' })], raised).alarms).toEqual({});
  });

  it('and plans are on or off as was said last', () => {
    const on = after([frame('plan_state', { plan: 'flood', on: true }), frame('plan_state', { plan: 'fire', on: false })]);
    expect(on.plans).toEqual({ flood: true, fire: false });
    expect(after([frame('plan_state', { plan: 'flood', on: false })], on).plans).toEqual({ flood: false, fire: false });
  });

  it('of a kind that is new to us change nothing', () => {
    expect(after([frame('weather', { rain: true })])).toBe(NOTHING);
  });
});
