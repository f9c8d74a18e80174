import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { LIFE_MS, RETURN_MS, Session, SETTLE_MS, type Identity } from '../src/session';
import { agentData, FakeSocket } from './fakes';

const IDENTITY: Identity = { token: 't', user: '8001', name: '王芳', role: 'agent', tier: 1, permissions: [] };
const NOW = '2026-01-01T10:00:00.000+08:00';

let sockets: FakeSocket[] = [];
let session: Session;
let seq = 0;

/** The connection that is open now. */
function socket(): FakeSocket {
  const last = sockets.at(-1);
  if (!last) throw new Error('no socket was opened');
  return last;
}

function told(changes: Parameters<typeof agentData>[0]): void {
  seq += 1;
  socket().receive({ seq, at: NOW, type: 'agent_state', data: agentData(changes) });
}

/** The connection breaks and is back. */
async function comesBack(): Promise<void> {
  const count = sockets.length;
  socket().break();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(sockets.length).toBe(count + 1);
  socket().open();
}

const sent = (type: string): unknown[] => socket().sent.filter((command) => command.type === type);

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  seq = 0;
  const nothing = (): void => undefined;
  vi.stubGlobal('sessionStorage', { getItem: () => null, setItem: nothing, removeItem: nothing });
  vi.stubGlobal('document', { visibilityState: 'visible', addEventListener: nothing, removeEventListener: nothing });
  vi.stubGlobal('addEventListener', nothing);
  vi.stubGlobal('removeEventListener', nothing);
  vi.stubGlobal('location', { href: 'http://hotline/' });
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('no network')));
  vi.stubGlobal('WebSocket', function open(address: string) {
    const after = new URL(address).searchParams.get('after');
    sockets.push(new FakeSocket(after === null ? null : Number(after)));
    return sockets.at(-1);
  });
  session = new Session(IDENTITY);
  session.start();
  socket().open();
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('an agent who has signed out', () => {
  it('is signed out again when the connection is back', async () => {
    told({ status: 'signed_out' });
    await comesBack();
    told({ status: 'not_ready', reason: 'signed_in' });
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(sent('sign_out')).toHaveLength(1);
  });

  it('is so, too, who was to be after the call that ended meanwhile', async () => {
    told({ status: 'ready', state: 'talking', next_status: 'signed_out' });
    await comesBack();
    told({ status: 'not_ready', reason: 'signed_in' });
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(sent('sign_out')).toHaveLength(1);
  });

  it('stays at work who has said so elsewhere', async () => {
    told({ status: 'signed_out' });
    await comesBack();
    told({ status: 'not_ready', reason: 'signed_in' });
    told({ status: 'ready' });
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(sent('sign_out')).toHaveLength(0);
  });

  it('comes to work by opening the desktop, and by opening another one later', async () => {
    told({ status: 'signed_out' });
    told({ status: 'not_ready', reason: 'signed_in' });
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(sent('sign_out')).toHaveLength(0);
    told({ status: 'signed_out' });
    await comesBack();
    await vi.advanceTimersByTimeAsync(RETURN_MS + 1);
    told({ status: 'not_ready', reason: 'signed_in' });
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(sent('sign_out')).toHaveLength(0);
  });

  it('is not who is at work all the time', async () => {
    told({ status: 'not_ready', reason: 'signed_in' });
    await comesBack();
    told({ status: 'not_ready', reason: 'signed_in' });
    await vi.advanceTimersByTimeAsync(SETTLE_MS);
    expect(sent('sign_out')).toHaveLength(0);
  });
});

describe('a command', () => {
  it('that is never answered says so', async () => {
    const done = session.act('ready');
    await vi.advanceTimersByTimeAsync(LIFE_MS);
    expect(await done).toBe(false);
    expect(session.notice.get()).toEqual({ action: 'ready', code: 'expired' });
  });
});
