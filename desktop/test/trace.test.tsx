import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, it } from 'vitest';

import type { CallTrace, TraceItem } from '../src/api/wire';
import { speechIn, Speaking } from '../src/i18n/context';
import { agentsOf, kindOf, Ladder, nextRow, offset, took } from '../src/pages/trace/Ladder';
import { MessageCard } from '../src/pages/trace/MessageCard';
import { AT } from './fakes';

const nothing = (): void => undefined;

const item = (changes: Partial<TraceItem>): TraceItem => ({
  at: AT, mono_us: 5_000_000, leg: 'caller', leg_id: 'l1-1-2', agent_id: null, direction: 'in', transport: 'udp',
  local: '192.0.2.9:5060', remote: '192.0.2.1:5060', summary: 'INVITE (SDP)', status: null, took_us: null, malformed: false,
  message: 'INVITE sip:95512@h SIP/2.0\r\nCall-ID: a\r\n\r\n', ...changes,
});

const trace = (items: TraceItem[], changes: Partial<CallTrace> = {}): CallTrace => ({
  call_id: 'c1-1-1', enabled: true, complete: true, cut: false, legs: [], items, ...changes,
});

function draw(of: CallTrace | null, { id = 'c1-1-1' as string | null, failed = null as string | null, chosen = 0 } = {}): string {
  return renderToStaticMarkup(
    <Speaking speech={speechIn('zh', nothing)}>
      <Ladder id={id} trace={of} failed={failed} chosen={chosen} onChoose={nothing} />
    </Speaking>,
  );
}

const phone = (changes: Partial<TraceItem> = {}): TraceItem =>
  item({ leg: 'agent', agent_id: '8001', direction: 'out', remote: '10.0.0.1:5062', ...changes });

/** The direction of each arrow, and the lane it is in. */
const arrows = (html: string): [string, number][] =>
  [...html.matchAll(/<span class="lane">(.*?)<\/span><span class="lane">(.*?)<\/span><span class="took">/g)].map((match) => {
    const lane = match[1] ? 0 : 1;
    return [/data-arrow="(\w+)"/.exec(match[lane + 1] ?? '')?.[1] ?? '', lane];
  });

describe('the ladder', () => {
  it('draws each message between the lines that it went between', () => {
    const items = [item({}), item({ direction: 'out' }), phone(), phone({ direction: 'in' })];
    expect(arrows(draw(trace(items)))).toEqual([['right', 0], ['left', 0], ['right', 1], ['left', 1]]);
  });

  it('says when a message passed and how long its answer took', () => {
    const html = draw(trace([item({}), item({ mono_us: 6_234_000, status: 200, took_us: 12_340, summary: '200 OK (INVITE)' })]));
    for (const part of ['+0.000', '+1.234', '12.3 ms', '200 OK (INVITE)', 'is-success', '192.0.2.9:5060']) expect(html).toContain(part);
    expect([offset(-1), took(999), took(3_670_000)]).toEqual(['+0.000', '1.0 ms', '3.67 s']);
  });

  it('names the agent of each message where there are several', () => {
    const two = trace([phone(), phone({ agent_id: '8002' })]);
    expect(agentsOf(two)).toEqual(['8001', '8002']);
    expect(draw(two)).toContain('8002 INVITE (SDP)');
    expect(draw(trace([phone()]))).not.toContain('8001 INVITE');
  });

  it('has one row at a time in the order of the tab key', () => {
    const html = draw(trace([item({}), item({}), item({})]), { chosen: 1 });
    expect([...html.matchAll(/<button[^>]* tabindex="(-?\d)"/gi)].map((match) => match[1])).toEqual(['-1', '0', '-1']);
    expect(html.match(/aria-pressed="true"/g)).toHaveLength(1);
  });

  it('is walked by the arrow keys, Home and End', () => {
    const to = (key: string, at: number): number | null => nextRow(key, at, 3);
    expect([to('ArrowDown', 0), to('ArrowDown', 2), to('ArrowUp', 0), to('Home', 2), to('End', 0), to('a', 1)]).toEqual([1, 2, 0, 0, 2, null]);
  });

  it('says what is missing, and why', () => {
    expect(draw(null, { id: null })).toContain('选择左侧通话');
    expect(draw(null, { failed: 'forbidden' })).toContain('没有权限');
    expect(draw(trace([], { enabled: false }))).toContain('sip.trace_mb');
    expect(draw(trace([]))).toContain('已没有这个通话');
    const html = draw(trace([item({ malformed: true })], { complete: false, cut: true }));
    for (const part of ['无法解析', '较早的消息', '消息过多']) expect(html).toContain(part);
  });

  it('colours requests, progress, success and failure apart', () => {
    const kind = (status: number | null): string => kindOf({ status, malformed: false });
    expect([kind(null), kind(180), kind(200), kind(302), kind(486)]).toEqual(['is-request', 'is-progress', 'is-success', 'is-failure', 'is-failure']);
  });
});

describe('a message', () => {
  const show = (of: TraceItem | null): string =>
    renderToStaticMarkup(
      <Speaking speech={speechIn('zh', nothing)}>
        <MessageCard item={of} />
      </Speaking>,
    );

  it('is shown whole, with the way that it went', () => {
    expect(show(item({}))).toContain('UDP 192.0.2.1:5060 → 192.0.2.9:5060');
    expect(show(item({ direction: 'out' }))).toContain('UDP 192.0.2.9:5060 → 192.0.2.1:5060');
    expect(show(item({}))).toContain('INVITE sip:95512@h SIP/2.0\nCall-ID: a');
    expect(show(null)).toContain('点击箭头');
  });

  it('cannot run as markup', () => {
    const evil = '<img src=x onerror=alert(1)>';
    expect(show(item({ message: evil, summary: evil }))).not.toContain('<img');
    expect(draw(trace([item({ summary: evil })]))).not.toContain('<img');
  });
});
