import { renderToStaticMarkup } from 'react-dom/server';
import type { ReactNode } from 'react';
import { describe, expect, it } from 'vitest';

import type { Action, RecordingData, ScreenPopData } from '../src/api/wire';
import { speechIn, Speaking } from '../src/i18n/context';
import type { Language } from '../src/i18n/texts';
import { CallCard } from '../src/pages/agent/CallCard';
import { CustomerCard } from '../src/pages/agent/CustomerCard';
import { DialBox, dialled } from '../src/pages/agent/DialBox';
import { MovePanel } from '../src/pages/agent/MovePanel';
import { PhoneBar } from '../src/pages/agent/PhoneBar';
import { Policies } from '../src/pages/agent/Policies';
import { waitsForPop } from '../src/pages/agent/usePopShown';
import { WrapUp } from '../src/pages/agent/WrapUp';
import { AgentGrid } from '../src/pages/board/AgentGrid';
import { TrunkTable } from '../src/pages/board/TrunkTable';
import { Proof } from '../src/pages/records/Proof';
import { whatOf } from '../src/pages/records/Timeline';
import type { Notice, Session } from '../src/session';
import { BAR_ACTIONS, MOVES } from '../src/state/allowed';
import { SessionContext } from '../src/state/context';
import { NOTHING, reduce, type Agent, type DeskState, type Pop } from '../src/state/reducer';
import { Signal } from '../src/state/signal';
import { agentData, AT, callData, frame, popData } from './fakes';

const NOW = Date.parse(AT) + 83_000;

/** A session that only knows `state`. */
function session(state: DeskState = NOTHING, permissions: string[] = [], notice: Notice | null = null): Session {
  const dispositions = [{ code: 'follow_up', zh: '需后续跟进', en: 'Follow up' }];
  const parts = {
    identity: { user: '8001', name: '王芳', role: 'agent', tier: 1, token: 't', permissions },
    store: { subscribe: () => () => undefined, snapshot: () => state },
    clock: { now: () => NOW },
    config: new Signal({ numbers: [], not_ready_reasons: [], queues: [], dispositions, acw_ms: 10_000, ring_timeout_ms: 20_000, version: '' }),
    sending: new Signal(new Set<string>()),
    notice: new Signal(notice),
    steered: new Signal(null),
    link: new Signal({ phase: 'open' }),
  };
  return parts as unknown as Session;
}

interface Drawn {
  language?: Language;
  state?: DeskState;
  permissions?: string[];
  notice?: Notice | null;
}

function draw(what: ReactNode, { language = 'zh', state = NOTHING, permissions = [], notice = null }: Drawn = {}): string {
  return renderToStaticMarkup(
    <Speaking speech={speechIn(language, () => undefined)}>
      <SessionContext value={session(state, permissions, notice)}>{what}</SessionContext>
    </Speaking>,
  );
}

const agent = (changes: Parameters<typeof agentData>[0]): Agent => {
  const found = reduce(NOTHING, frame('agent_state', agentData(changes)), '8001').agents['8001'];
  if (!found) throw new Error('no such agent');
  return found;
};
const nothing = (): void => undefined;
const bar = (me: Agent | null, language: Language = 'zh'): string =>
  draw(<PhoneBar me={me} reasons={false} onReasons={nothing} onAct={nothing} />, { language });
const enabled = (html: string): string[] =>
  [...html.matchAll(/<button[^>]*data-testid="act-(\w+)"[^>]*>/g)]
    .filter(([tag]) => !/ disabled=""/.test(tag))
    .map((match) => match[1] ?? '');

describe('the panel that moves a call', () => {
  const guest = { agent_id: '8002', number: null, by: '8001', transfer: 'consult' as const, answered: true, with_caller: false };
  const panel = (allowed: Action[], changes: Parameters<typeof callData>[0], ended: string | null = null): string => {
    const frames = [
      frame('agent_state', agentData({ state: 'talking', call_id: 'c1-1-1', allowed })),
      frame('call_state', callData({ state: 'talking', agent_id: '8001', ...changes })),
      ...(ended ? [frame('transfer_ended', { call_id: 'c1-1-1', agent_id: '8002', number: null, transfer: 'blind', end: ended })] : []),
    ];
    const state = frames.reduce((before, one) => reduce(before, one, '8001'), NOTHING);
    return draw(<MovePanel me={state.agents['8001'] ?? null} onAct={nothing} />, { state });
  };

  it('offers transfer and consultation, and what the server allows of them', () => {
    expect(enabled(panel(['transfer', 'consult'], {})).sort()).toEqual(['consult', 'transfer']);
    const html = panel([], {});
    expect(enabled(html)).toEqual([]);
    expect(html).toContain('data-testid="act-transfer"');
  });

  it('shows who is asked, what goes on, and exactly what may be done', () => {
    const html = panel(['complete_transfer', 'swap_parties', 'conference', 'cancel_consult'], { state: 'consulting', guest });
    expect(enabled(html).sort()).toEqual(['cancel_consult', 'complete_transfer', 'conference', 'swap_parties']);
    for (const part of ['正在咨询', '8002', '客户听音乐']) expect(html).toContain(part);
    const rings = panel(['cancel_consult'], { state: 'transferring', guest: { ...guest, transfer: 'blind', answered: false } });
    expect(rings).toContain('振铃中');
    expect(enabled(rings)).toEqual(['cancel_consult']);
    const swapped = panel(['swap_parties'], { state: 'consulting', guest: { ...guest, with_caller: true } });
    expect(swapped).toContain('对方听音乐');
  });

  it('offers to pause the recording, or to resume it, whatever goes on', () => {
    expect(enabled(panel(['pause_recording'], {}))).toEqual(['pause_recording']);
    const html = panel(['cancel_consult', 'resume_recording'], { state: 'consulting', guest, recording_paused: 'secret' });
    expect(enabled(html).sort()).toEqual(['cancel_consult', 'resume_recording']);
    expect(html).not.toContain('act-pause_recording');
    expect(panel(['resume_recording'], { recording_paused: 'private' })).toContain('录音已暂停：私人内容');
  });

  it('shows one who is asked no guest', () => {
    const html = panel([], { state: 'consulting', guest: { ...guest, agent_id: '8001', by: '8002' } });
    expect(html).not.toContain('data-guest');
  });

  it('says why a call came back', () => {
    for (const [end, words] of [['no_answer', '8002 未应答'], ['busy', '8002 忙'], ['completed', '已转给 8002'], ['taken_back', '已取回']] as const) {
      expect(panel(['transfer'], {}, end)).toContain(words);
    }
  });

  it('has a button and a key for every move', () => {
    const html = panel([...MOVES], { state: 'consulting', guest });
    expect(enabled(html).sort()).toEqual([...MOVES].sort());
    expect(html).toContain('⇧Enter');
  });
});

describe('the phone bar', () => {
  it('has exactly the buttons enabled that the server allows', () => {
    const sets: Action[][] = [[], ['ready'], ['not_ready', 'hang_up'], ['ready', 'extend_acw', 'wrap_up'], [...BAR_ACTIONS]];
    for (const allowed of sets) expect(enabled(bar(agent({ allowed }))).sort(), allowed.join()).toEqual([...allowed].sort());
  });

  it('has none enabled while the state is unknown', () => {
    expect(enabled(bar(null))).toEqual([]);
  });

  it('shows state, time, and what comes next', () => {
    const html = bar(agent({ state: 'talking', next_status: 'not_ready', next_reason: 'meal' }));
    for (const part of ['data-mark="talking"', '通话中', '01:23', '之后：示忙 · 用餐']) expect(html).toContain(part);
  });

  it('warns of a phone that cannot be rung', () => {
    expect(bar(agent({ phone_reachable: false }))).toContain('话机未注册');
    expect(bar(agent({ phone_reachable: false, status: 'signed_out' }))).not.toContain('话机未注册');
  });

  it('offers to decline what still rings', () => {
    expect(bar(agent({ state: 'ringing', allowed: ['hang_up'] }), 'en')).toContain('Decline');
    expect(bar(agent({ state: 'talking', allowed: ['hang_up'] }), 'en')).toContain('Hang up');
  });
});

describe('the box to call someone', () => {
  const box = (options: Drawn = {}, allowed = true): string => draw(<DialBox allowed={allowed} field={{ current: null }} />, options);

  it('is there for everyone, and says who can be called', () => {
    expect(box()).toContain('没有外线权限');
    expect(box({ permissions: ['call.outbound'] })).toContain('或外线号码');
    expect(box({}, false)).toMatch(/<input[^>]*disabled=""/);
  });

  it('says why a number was refused, in its own place', () => {
    const notice = { action: 'dial', code: 'forbidden' };
    expect(box({ notice })).toContain('没有外呼权限：外线只能拨紧急号码');
    expect(box({ notice: { action: 'dial', code: 'lines_full' } })).toContain('线路已满');
    expect(box({ notice: { action: 'ready', code: 'forbidden' } })).not.toContain('dial-told failed');
    expect(draw(<PhoneBar me={null} reasons={false} onReasons={nothing} onAct={nothing} />, { notice })).not.toContain('role="alert"');
  });

  it('knows a queue by any of its names', () => {
    const queues = [{ code: 'claims', zh: '理赔报案', en: 'Claims' }];
    expect(dialled(' 理赔报案 ', queues)).toBe('claims');
    expect(dialled('CLAIMS', queues)).toBe('claims');
    expect(dialled(' 138-0013-8000', queues)).toBe('138-0013-8000');
  });
});

describe('the pop', () => {
  const customer = { customer_id: 'C1', name: '王**', phone: '138******78', identity_number: '110*************34', class: 'excellent', city: '江苏省南京市' };
  const policy = {
    policy_number: '805112345678', product: '商业险', plate: '苏A****1', vehicle: 'Model Y', status: 'in_force',
    starts_on: '2026-01-01', ends_on: '2027-01-01', premium_fen: 123_450,
    claims: [{ claim_number: 'R1', lost_on: '2026-02-03', status: 'open', paid_fen: 0 }],
  };
  const pop = (changes: Partial<ScreenPopData>): Pop => ({ ...popData(changes), at: NOW });
  const found = pop({ lookup: 'found', customer, policies: [policy] });
  const rows = (html: string): number => html.split('<dt>').length - 1;

  it('has the same places before and after the customer is known', () => {
    const [before, after, idle] = [pop({}), found, null].map((one) => draw(<CustomerCard pop={one} me={null} />));
    expect(rows(before ?? '')).toBe(rows(after ?? ''));
    expect(rows(idle ?? '')).toBe(rows(after ?? ''));
    expect(before).toContain('class="bone"');
    expect(after).not.toContain('class="bone"');
  });

  it('shows what it was given, masked or not, and nothing more', () => {
    const html = draw(<CustomerCard pop={found} me={null} />);
    for (const part of ['王**', '138 **** **78', '110*** ******** **34', '优秀', '江苏省南京市', 'C1']) expect(html).toContain(part);
  });

  it('says why there is no customer', () => {
    for (const [lookup, words] of [['unknown', '新号码'], ['late', '查询超时'], ['failed', '查询失败']] as const) {
      expect(draw(<CustomerCard pop={pop({ lookup })} me={null} />)).toContain(words);
    }
  });

  it('shows policies with their claims', () => {
    const html = draw(<Policies pop={found} />);
    for (const part of ['805112345678', '商业险', '1,234.50', '有效', 'R1', '未决']) expect(html).toContain(part);
    expect(draw(<Policies pop={pop({ lookup: 'unknown' })} />)).toContain('没有保单');
  });

  it('shows the way through the menu', () => {
    const html = draw(<CallCard pop={found} />);
    for (const part of ['理赔报案', '00:23', '95512', '欢迎', '主菜单', '<kbd>1</kbd>']) expect(html).toContain(part);
  });

  it('is reported while the phone may wait for it, not after a refresh in a conversation', () => {
    const state = (activity: 'reserved' | 'ringing' | 'talking' | 'acw') =>
      reduce(NOTHING, frame('agent_state', agentData({ state: activity })), '8001');
    expect(['reserved', 'ringing', 'talking', 'acw'].map((one) => waitsForPop(state(one as 'acw'), '8001'))).toEqual([true, true, false, false]);
    expect(waitsForPop(NOTHING, '8001')).toBe(true);
  });

  it('cannot run as markup', () => {
    const evil = pop({ ani: '<img src=x onerror=alert(1)>', lookup: 'found', customer: { ...customer, name: '<b>x</b>' } });
    const html = draw(<CustomerCard pop={evil} me={null} />);
    expect(html).not.toContain('<img');
    expect(html).not.toContain('<b>x');
  });
});

describe('the wrap-up', () => {
  const wrapUp = { chosen: null, choose: nothing, chooseNth: nothing, finish: nothing, asked: false };

  it('counts down what is left', () => {
    const until = '2026-01-01T10:01:30.000+08:00';
    const html = draw(<WrapUp me={agent({ state: 'acw', acw_until: until })} call="c1-1-1" wrapUp={wrapUp} />);
    expect(html).toContain('00:07');
  });

  it('asks for a choice, in the server’s words for it', () => {
    const html = draw(<WrapUp me={agent({ state: 'acw' })} call="c1-1-1" wrapUp={{ ...wrapUp, asked: true }} />, { language: 'en' });
    expect(html).toContain('Choose the reason');
    expect(html).toContain('Follow up');
  });
});

describe('a call without its pop', () => {
  it('can be wrapped up all the same', () => {
    const wrapUp = { chosen: null, choose: nothing, chooseNth: nothing, finish: nothing, asked: false };
    const codes = (call: string | null): string => draw(<WrapUp me={agent({ state: 'acw' })} call={call} wrapUp={wrapUp} />);
    expect(codes('c1-1-1')).not.toContain('disabled=""');
    expect(codes(null)).toContain('disabled=""');
  });
});

describe('the board', () => {
  it('gives every agent a word, a shape and a time', () => {
    const state = reduce(NOTHING, frame('agent_state', agentData({ status: 'not_ready', reason: 'meeting' })), 'lead');
    const html = draw(<AgentGrid />, { state, language: 'en' });
    for (const part of ['data-mark="not_ready"', 'Not ready · Meeting', '01:23', '<svg']) expect(html).toContain(part);
  });
});

describe('a line on the board', () => {
  const drawn = (changes: object): string => {
    const data = { trunk: 'carrier', calls: 3, refused: 7, targets: 2, reachable: 2, registered: null, answered_at: AT };
    return draw(<TrunkTable />, { state: reduce(NOTHING, frame('trunk_state', { ...data, ...changes }), 'lead') });
  };

  it('says in words how it is, the worst first', () => {
    for (const [changes, health, words] of [
      [{}, 'up', '正常 2/2'],
      [{ reachable: 1 }, 'part', '部分可用 1/2'],
      [{ reachable: 0, registered: false }, 'down', '不可用 0/2'],
      [{ registered: false }, 'unregistered', '未注册 2/2'],
      [{ targets: 0, reachable: 0 }, 'inward', '仅呼入'],
    ] as const) {
      const html = drawn(changes);
      expect(html).toContain(`data-health="${health}"`);
      expect(html).toContain(words);
    }
  });
});

describe('the timeline', () => {
  const names = { queue: (code: string | null) => `q:${code}`, disposition: (code: string | null) => `d:${code}`, node: (node: string) => `n:${node}` };
  const what = (fields: Record<string, unknown>): string => whatOf({ at: AT, type: 'x', ...fields }, speechIn('en', nothing), names);

  it('says what a fact is about, and leaves out what says nothing', () => {
    expect(what({ node: 'menu', digits: '1', leg_id: 'l1-1-1' })).toBe('n:menu · “1”');
    expect(what({ outcome: 'answered', cause: 'response', sip_status: 486 })).toBe('Answered · SIP response · 486');
    expect(what({ agent_id: '8001', missed: 'no_answer', desktop: false })).toBe('8001 · No answer · no desktop');
    expect(what({})).toBe('');
    expect(what({ type: 'recording_held', by: 'qa', why: 'case 7' })).toBe('qa → · case 7');
  });
});

describe('what keeps a recording', () => {
  const taped: RecordingData = {
    recording_id: 'r1-1-1', call_id: 'c1-1-1', agent_id: '8001', started_at: AT, duration_ms: 1_000, bytes: 2_048,
    sha256: 'ab'.repeat(32), gaps: 0, pauses: 0, lost: false, recovered: false, held: null, deleted_at: null, certificate: null,
  };
  const proof = (changes: Partial<RecordingData>, permissions: string[] = []): string =>
    draw(<Proof recording={{ ...taped, ...changes }} onChanged={nothing} />, { language: 'en', permissions });

  it('is its seal, and legal hold for those who may', () => {
    expect(proof({})).toContain('abababababababab…');
    expect(proof({})).not.toContain('data-testid="hold"');
    expect(proof({}, ['recording.hold'])).toMatch(/data-testid="hold"[^>]*>Hold</);
    expect(proof({ held: 'case 7' })).toContain('Held: case 7');
    expect(proof({ held: 'case 7' })).toContain('title="case 7"');
    expect(proof({ held: 'case 7' }, ['recording.hold'])).toMatch(/data-testid="hold"[^>]*>Release</);
  });

  it('ends with its certificate', () => {
    const gone = proof({ deleted_at: AT, certificate: 'HOTLINE CERTIFICATE' }, ['recording.hold']);
    expect(gone).toMatch(/data-testid="certificate"[^>]*>Certificate</);
    expect(proof({ deleted_at: AT })).not.toContain('data-testid="certificate"');
    expect(gone).toContain('Deleted in time');
    expect(gone).not.toContain('data-testid="hold"');
  });
});
