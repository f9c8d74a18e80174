import { describe, expect, it } from 'vitest';

import type { TargetsData } from '../src/api/wire';
import { speechIn } from '../src/i18n/context';
import { choicesOf } from '../src/pages/agent/TargetPicker';
import type { Names } from '../src/state/names';

const speech = speechIn('zh', () => undefined);
const names = { queue: (code: string) => ({ claims: '理赔报案', general: '综合服务' })[code] ?? code } as unknown as Names;
const targets: TargetsData = {
  search: '',
  agents: [
    { agent_id: '8002', status: 'ready', reason: null, state: 'idle', available: true },
    { agent_id: '8003', status: 'ready', reason: null, state: 'talking', available: false },
    { agent_id: '8011', status: 'not_ready', reason: 'meal', state: 'idle', available: false },
  ],
  queues: [
    { queue: 'claims', waiting: 3, idle: 0 },
    { queue: 'general', waiting: 0, idle: 2 },
  ],
  more: false,
};
const keys = (typed: string): string[] => choicesOf(typed, targets, speech, names).map(({ key }) => key);

describe('the list of those to whom a call can go', () => {
  it('begins with who is free, then queues, and ends with who is not', () => {
    expect(keys('')).toEqual(['agent-8002', 'queue-claims', 'queue-general', 'agent-8003', 'agent-8011']);
  });

  it('is narrowed by number and by name in the language that is shown', () => {
    expect(keys('800')).toEqual(['agent-8002', 'number', 'agent-8003']);
    expect(keys('理赔')).toEqual(['queue-claims']);
    expect(keys('GEN')).toEqual(['queue-general']);
    expect(keys('nobody')).toEqual([]);
  });

  it('takes what can be dialled as a number outside, but never a colleague for one', () => {
    const found = choicesOf('+8613800138000', targets, speech, names);
    expect(found).toMatchObject([{ target: { number: '+8613800138000' }, can: true }]);
    expect(keys('8002')).toEqual(['agent-8002']);
    expect(keys('12')).toEqual([]);
  });

  it('takes a number as people write it, and dials its digits', () => {
    for (const typed of ['138-0013-8000', '138 0013 8000', '(138) 0013.8000', ' 13800138000 ']) {
      const found = choicesOf(typed, targets, speech, names);
      expect(found.map(({ target }) => target)).toContainEqual({ number: '13800138000' });
    }
    for (const typed of ['138-abc', '+', '--', '1380013800013800138000', '++8613800138000']) {
      expect(keys(typed)).not.toContain('number');
    }
  });

  it('says what the others do, and that they cannot be chosen', () => {
    const [, , , talking, away] = choicesOf('', targets, speech, names);
    expect([talking?.about, talking?.can]).toEqual(['通话中', false]);
    expect([away?.about, away?.can]).toEqual(['用餐', false]);
  });

  it('is the number alone before the server has told anybody', () => {
    expect(choicesOf('95500', null, speech, names).map(({ key }) => key)).toEqual(['number']);
  });
});
