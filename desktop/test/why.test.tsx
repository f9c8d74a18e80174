import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import type { AgentWhy, CallWhy, MessageData } from '../src/api/wire';
import { speechIn, Speaking } from '../src/i18n/context';
import type { Language } from '../src/i18n/texts';
import { MessageTable } from '../src/pages/messages/MessagesPage';
import { Moments, Offers } from '../src/pages/why/Reasons';
import type { Session } from '../src/session';
import { askedOf } from '../src/state/asked';
import { SessionContext } from '../src/state/context';
import { pagesOf } from '../src/state/pages';
import { Signal } from '../src/state/signal';
import { AT } from './fakes';

const config = { numbers: [], not_ready_reasons: [], queues: [{ code: 'claims', zh: '理赔报案', en: 'Claims' }], dispositions: [], acw_ms: 1, ring_timeout_ms: 1, version: '' };
const session = { config: new Signal(config) } as unknown as Session;

function draw(what: React.ReactNode, language: Language = 'zh'): string {
  return renderToStaticMarkup(
    <Speaking speech={speechIn(language, () => undefined)}>
      <SessionContext value={session}>{what}</SessionContext>
    </Speaking>,
  );
}

const said = { zh: '空闲最久', en: 'idle for longest' };
const why: CallWhy = {
  call_id: 'c1-1-1',
  offers: [
    { at: AT, offer_id: 'o1-1-1', queue: 'claims', agent_id: '8002', said },
    { at: AT, offer_id: 'o1-1-2', queue: null, agent_id: '8003', said: { zh: '不是排队分配的', en: 'no queue decided it' } },
  ],
};

describe('why a call went where it went', () => {
  it('says each offer in the words of the engine', () => {
    const html = draw(<Offers id="c1-1-1" answer={{ found: why, failed: null }} />);
    for (const part of ['8002', '理赔报案', '空闲最久', '8003', '不是排队分配的']) expect(html).toContain(part);
    expect(draw(<Offers id="c1-1-1" answer={{ found: why, failed: null }} />, 'en')).toContain('idle for longest');
  });

  it('says where there is nothing to say, and why not', () => {
    const none = { found: null, failed: null };
    expect(draw(<Offers id={null} answer={none} />)).toContain('选择一通电话');
    expect(draw(<Offers id="c1" answer={{ found: { call_id: 'c1', offers: [] }, failed: null }} />)).toContain('没有分配给任何座席');
    expect(draw(<Offers id="c1" answer={{ found: null, failed: 'not_found' }} />)).toContain('failed');
    expect(draw(<Moments agent={null} answer={none} />)).toBe('');
  });

  it('tells of one agent at each moment', () => {
    const moments: AgentWhy['moments'] = [{ at: AT, queue: 'claims', offered_to: '8002', reason: 'busy', said: { zh: '正在通话', en: 'was in a call' } }];
    const html = draw(<Moments agent="8005" answer={{ found: { call_id: 'c1', agent_id: '8005', moments }, failed: null }} />);
    for (const part of ['座席 8005', '正在通话', 'data-reason="busy"']) expect(html).toContain(part);
  });

  it('is asked for by the address', () => {
    expect(askedOf('#/why/c1-3-42', 'why')).toBe('c1-3-42');
    expect(askedOf('#/trace/c1-3-42', 'why')).toBeNull();
    expect(askedOf('#/why', 'why')).toBeNull();
  });
});

describe('messages', () => {
  const message = (changes: Partial<MessageData>): MessageData => ({
    recording_id: 'r1-1-1', call_id: 'c1-1-1', mailbox: 'claims', done_at: null, done_by: null, started_at: AT, duration_ms: 31_000, lost: false, deleted_at: null, ...changes,
  });
  const table = (items: MessageData[], failed: string | null = null): string =>
    draw(<MessageTable items={items} chosen="r1-1-1" busy={false} failed={failed} onChoose={() => undefined} />);

  it('are open until somebody has dealt with them', () => {
    const html = table([message({}), message({ recording_id: 'r1-1-2', done_at: AT, done_by: 'lead', duration_ms: null })]);
    for (const part of ['未处理', '00:31', 'lead 已处理', 'aria-selected="true"']) expect(html).toContain(part);
  });

  it('say where there are none, and where they cannot be read', () => {
    expect(table([])).toContain('没有留言');
    const failed = table([], 'forbidden');
    expect(failed).toContain('没有权限');
    expect(failed).not.toContain('没有留言');
  });

  it('are a page for those who may handle them', () => {
    expect(pagesOf('supervisor', ['message.handle'])).toContain('messages');
    expect(pagesOf('agent', ['call.handle'])).toEqual(['agent']);
    expect(pagesOf('agent', ['message.handle'])).toEqual(['agent', 'messages']);
  });
});
