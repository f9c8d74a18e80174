import { renderToStaticMarkup } from 'react-dom/server';
import type { ReactNode } from 'react';
import { describe, expect, it, vi } from 'vitest';

import type { AgentStateData, CallDetail, CallRecord, Page, QueueStateData, TimelineFact } from '../src/api/wire';
import { speechIn, Speaking } from '../src/i18n/context';
import { AgentGrid } from '../src/pages/board/AgentGrid';
import { CallTable } from '../src/pages/board/CallTable';
import { QueueTable } from '../src/pages/board/QueueTable';
import { Steer } from '../src/pages/board/Steer';
import { readStanding } from '../src/pages/board/useCallbacks';
import type { Session } from '../src/session';
import { agentsByUse } from '../src/state/board';
import { SessionContext } from '../src/state/context';
import { NOTHING, reduce, type DeskState } from '../src/state/reducer';
import { Signal } from '../src/state/signal';
import { asking, choicesOf, PREFER_MS, standingOf, type Choice, type Menu, type Order, type Standing } from '../src/state/steer';
import { agentData, AT, callData, frame } from './fakes';

const speech = speechIn('zh', () => undefined);
const names = { queue: (code: string | null) => `Q-${code}`, disposition: String, node: String };
const totals = { signed_out: 0, not_ready: 0, idle: 2, reserved: 0, ringing: 0, talking: 0, acw: 0 };
const queue = (id: string, changes: Partial<QueueStateData> = {}) =>
  frame('queue_state', { queue: id, waiting: 3, callbacks: 0, longest_wait_ms: 0, longest_wait_since: null, agents: totals, open: true, ...changes });
const agent = (agent_id: string, changes: Partial<AgentStateData> = {}) => frame('agent_state', agentData({ agent_id, ...changes }));

const floorOf = (frames: ReturnType<typeof frame>[]): DeskState => frames.reduce((state, one) => reduce(state, one, 'lead', true), NOTHING);
const FLOOR = floorOf([
  queue('claims'),
  queue('general', { open: false }),
  agent('8001'),
  agent('8002', { state: 'talking' }),
  agent('8003', { status: 'not_ready', reason: 'meal', asks: null }),
  agent('8004', { state: 'talking', asks: 'meeting' }),
  frame('call_state', callData()),
]);
const CALL = FLOOR.calls['c1-1-1'];
if (!CALL) throw new Error('no call');

function choose(menu: Menu, { typed = '', state = FLOOR, callbacks = [] as Standing[] } = {}): Choice[] {
  return choicesOf(menu, typed, { state, order: agentsByUse(state.agents), callbacks, speech, names });
}
const orderOf = (choices: Choice[], key: string): Order => {
  const found = choices.find((choice) => choice.key === key)?.then;
  if (!found || !('type' in found)) throw new Error(`${key} is no order`);
  return found;
};
const keys = (choices: Choice[]): string[] => choices.map(({ key }) => key);

describe('a waiting call', () => {
  it('can be moved, given to an agent, and put first', () => {
    expect(keys(choose({ of: 'call', call: CALL }))).toEqual(['move', 'assign', 'prefer']);
    const order = orderOf(choose({ of: 'call', call: CALL }), 'prefer');
    expect(order).toMatchObject({ type: 'prefer_call', data: { call_id: 'c1-1-1', ms: PREFER_MS } });
    expect(order.said).toContain('138 **** **78（Q-claims）');
  });

  it('is moved to any queue but its own, and what is said names both', () => {
    const choices = choose({ of: 'move', call: CALL });
    expect(choices.map(({ key, can }) => [key, can])).toEqual([['queue-claims', false], ['queue-general', true]]);
    expect(choices[1]?.about).toBe('已下班');
    const order = orderOf(choices, 'queue-general');
    expect(order).toMatchObject({ type: 'move_call', data: { call_id: 'c1-1-1', queue: 'general' } });
    expect(order.said).toContain('转到“Q-general”');
  });

  it('is given to agents who take calls, the free ones first', () => {
    const choices = choose({ of: 'assign', call: CALL });
    expect(choices.map(({ key, can }) => [key, can])).toEqual([
      ['agent-8001', true], ['agent-8002', true], ['agent-8004', true], ['agent-8003', false],
    ]);
    expect(orderOf(choices, 'agent-8002')).toMatchObject({ type: 'assign_call', data: { call_id: 'c1-1-1', agent_id: '8002' } });
    expect(keys(choose({ of: 'assign', call: CALL }, { typed: '03' }))).toEqual(['agent-8003']);
  });
});

describe('an agent', () => {
  it('becomes ready, not ready for a reason, or signed out; what is so already cannot be chosen', () => {
    const choices = choose({ of: 'agent', id: '8001' });
    expect(keys(choices)).toEqual(['ready', 'break', 'meal', 'training', 'meeting', 'back_office', 'signed_out']);
    expect(choices.filter(({ can }) => !can).map(({ key }) => key)).toEqual(['ready']);
    expect(orderOf(choices, 'meal')).toEqual({
      type: 'set_agent', data: { agent_id: '8001', status: 'not_ready', reason: 'meal' }, said: '8001 改为“示忙 · 用餐”',
    });
    expect(orderOf(choices, 'signed_out').data).toEqual({ agent_id: '8001', status: 'signed_out' });
    expect(choose({ of: 'agent', id: '8003' }).find(({ can }) => !can)?.key).toBe('meal');
  });

  it('who is busy becomes so afterwards, and it says so', () => {
    expect(orderOf(choose({ of: 'agent', id: '8002' }), 'break').said).toContain('忙完后');
  });

  it('who asks is decided on first', () => {
    const choices = choose({ of: 'agent', id: '8004' });
    expect(keys(choices).slice(0, 3)).toEqual(['approve', 'decline', 'ready']);
    expect(orderOf(choices, 'decline')).toMatchObject({ type: 'decide_reason', data: { agent_id: '8004', approved: false } });
    expect(asking(FLOOR.agents).map(({ id }) => id)).toEqual(['8004']);
    expect(choose({ of: 'asks' })).toMatchObject([{ title: '8004', about: '申请“会议”', then: { of: 'agent', id: '8004' } }]);
  });

  it('who is gone has nothing to choose', () => {
    expect(choose({ of: 'agent', id: '9999' })).toEqual([]);
  });
});

describe('a callback', () => {
  const fact = (type: string, fields: object = {}): TimelineFact => ({ at: AT, type, ...fields });
  const detail = (...timeline: TimelineFact[]): CallDetail =>
    ({ call_id: 'c1-1-7', ani: '138******11', queue: 'general', arrived_at: AT, timeline }) as unknown as CallDetail;
  const booked = fact('callback_booked', { queue: 'claims', number: '139******22' });

  it('stands from its booking until its end, whatever was tried', () => {
    expect(standingOf(detail(fact('queued')))).toBeNull();
    const standing = { call: 'c1-1-7', queue: 'claims', number: '139******22', booked: Date.parse(AT), missed: 0 };
    expect(standingOf(detail(booked))).toEqual(standing);
    expect(standingOf(detail(booked, fact('callback_missed'), fact('callback_missed')))).toEqual({ ...standing, missed: 2 });
    expect(standingOf(detail(booked, fact('callback_ended', { callback_end: 'reached' })))).toBeNull();
  });

  it('is cancelled by the call that asked for it', () => {
    const standing = standingOf(detail(booked, fact('callback_missed')));
    const choices = choose({ of: 'callbacks' }, { callbacks: standing ? [standing] : [] });
    expect(choices[0]?.about).toContain('已试 1 次');
    const order = orderOf(choices, 'callback-c1-1-7');
    expect(order).toMatchObject({ type: 'cancel_callback', data: { call_id: 'c1-1-7' } });
    expect(order.said).toContain('139 **** **22（Q-claims）');
  });

  it('is looked for among the calls that asked for one, no further than needed', async () => {
    const ended = detail(booked, fact('callback_ended'));
    const pages: Page<CallRecord>[] = [
      { items: [{ call_id: 'over' }, { call_id: 'late' }] as CallRecord[], next: 'p2' },
      { items: [{ call_id: 'early' }] as CallRecord[], next: 'p3' },
    ];
    const at = (hour: string) => ({ ...detail({ ...booked, at: `2026-01-01T${hour}:00:00+08:00` }), call_id: hour });
    const details: Record<string, CallDetail> = { over: ended, late: at('09'), early: at('08') };
    const calls = vi.fn((query: object) => Promise.resolve(pages['cursor' in query ? 1 : 0] as Page<CallRecord>));
    const call = vi.fn((id: string) => Promise.resolve(details[id] as CallDetail));
    const found = await readStanding({ calls, call }, 2, new AbortController().signal);
    expect(found.map((one) => one.call)).toEqual(['08', '09']);
    expect(calls).toHaveBeenCalledTimes(2);
    expect(calls).toHaveBeenCalledWith(expect.objectContaining({ outcome: 'called_back' }), expect.anything());
    expect(await readStanding({ calls, call }, 0, new AbortController().signal)).toEqual([]);
    expect(calls).toHaveBeenCalledTimes(2);
  });

  it('that is not found is not looked for for ever', async () => {
    const calls = vi.fn(() => Promise.resolve({ items: [] as CallRecord[], next: 'more' }));
    await readStanding({ calls, call: vi.fn() }, 1, new AbortController().signal);
    expect(calls.mock.calls.length).toBeLessThanOrEqual(4);
  });
});

describe('the board', () => {
  const session = {
    identity: { user: 'lead', permissions: [] },
    store: { subscribe: () => () => undefined, snapshot: () => FLOOR },
    clock: { now: () => Date.parse(AT) + 83_000 },
    config: new Signal(null),
    steered: new Signal('8001 改为“示闲”'),
  } as unknown as Session;
  const draw = (what: ReactNode): string =>
    renderToStaticMarkup(
      <Speaking speech={speech}>
        <SessionContext value={session}>{what}</SessionContext>
      </Speaking>,
    );
  const nothing = (): void => undefined;

  it('leads to what may be steered, and only for who may', () => {
    const html = draw(<CallTable onSteer={nothing} />) + draw(<AgentGrid onSteer={nothing} />) + draw(<QueueTable onSteer={nothing} />);
    for (const part of ['data-steer="c1-1-1"', 'data-steer="8003"', 'data-testid="asks"', '待审批 <b>1</b>', 'data-testid="callbacks"']) {
      expect(html).toContain(part);
    }
    const seen = draw(<CallTable />) + draw(<AgentGrid />) + draw(<QueueTable />);
    expect(seen).not.toMatch(/data-steer|role="button"|data-testid="(asks|callbacks)"/);
  });

  it('says on an agent’s tile what they ask for, and what was done last', () => {
    expect(draw(<AgentGrid />)).toContain('申请“会议”');
    expect(draw(<CallTable onSteer={nothing} />)).toContain('已完成：8001 改为“示闲”');
  });

  it('says whom it is about before anything is chosen', () => {
    const html = draw(<Steer menu={{ of: 'call', call: CALL }} onClose={nothing} />);
    for (const part of ['138 **** **78（claims）', '已等', '01:23', 'c1-1-1', '转到其他技能组', '<kbd>1</kbd>']) {
      expect(html.replaceAll('理赔报案', 'claims')).toContain(part);
    }
    expect(draw(<Steer menu={{ of: 'agent', id: '8002' }} onClose={nothing} />)).toContain('通话中');
  });
});
