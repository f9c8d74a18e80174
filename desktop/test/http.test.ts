import { afterEach, describe, expect, it, vi } from 'vitest';

import { streamAddress, uuid } from '../src/api/browser';
import { address, Api, ApiError, failure, signIn } from '../src/api/http';

afterEach(() => vi.unstubAllGlobals());

function answers(status: number, body: unknown, headers: Record<string, string> = {}) {
  const fetched = vi.fn((_url: string, _init?: RequestInit) =>
    Promise.resolve(new Response(JSON.stringify(body), { status, headers })),
  );
  vi.stubGlobal('fetch', fetched);
  return fetched;
}

const caught = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

describe('an address', () => {
  it('leaves out what does not narrow', () => {
    expect(address('calls', { queue: '', agent: undefined, limit: 50 })).toBe('/api/v1/calls?limit=50');
    expect(address('config')).toBe('/api/v1/config');
  });

  it('keeps the plus of an offset', () => {
    expect(address('calls', { from: '2026-01-01T00:00:00+08:00' })).toContain('from=2026-01-01T00%3A00%3A00%2B08%3A00');
  });

  it('of the stream is that of the page’s server, secure where the page is', () => {
    expect(streamAddress('http://h:8080/x?lang=en#/agent', 't-1', null)).toBe('ws://h:8080/api/v1/events?token=t-1');
    expect(streamAddress('https://h/', 't', 41)).toBe('wss://h/api/v1/events?token=t&after=41');
  });
});

describe('a refusal', () => {
  it('says for how long', () => {
    expect(failure(429, { error: { code: 'locked', message: '', retry_after_ms: 1_500 } }, '2')).toMatchObject({
      status: 429, code: 'locked', retryAfterMs: 1_500,
    });
    expect(failure(429, null, '7')).toMatchObject({ code: 'http_429', retryAfterMs: 7_000 });
    expect(failure(500, 'oops', null)).toMatchObject({ code: 'http_500', retryAfterMs: null });
    expect(failure(503, null, 'Wed, 21 Oct 2026 07:28:00 GMT').retryAfterMs).toBeNull();
  });

  it('of a sign-in carries the code', async () => {
    answers(401, { error: { code: 'wrong_credentials', message: 'no' } });
    expect(await caught(signIn('8001', 'x'))).toMatchObject({ status: 401, code: 'wrong_credentials' });
  });

  it('without a server is unreachable', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
    expect(await caught(signIn('8001', 'x'))).toMatchObject({ status: 0, code: 'unreachable' });
  });
});

describe('the api', () => {
  it('sends the token with every request, in the header', async () => {
    const fetched = answers(200, { items: [], next: null });
    await new Api('t-1').calls({ outcome: 'answered', limit: 50 });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe('/api/v1/calls?outcome=answered&limit=50');
    expect(init?.headers).toEqual({ authorization: 'Bearer t-1' });
  });

  it('quotes ids', async () => {
    const fetched = answers(200, {});
    await new Api('t').call('c1/../x');
    expect(fetched.mock.calls[0]?.[0]).toBe('/api/v1/calls/c1%2F..%2Fx');
  });
});

describe('an id', () => {
  it('is a UUID of version 4', () => {
    expect(uuid((bytes) => bytes.fill(0xff))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff');
    expect(uuid((bytes) => bytes.fill(0))).toBe('00000000-0000-4000-8000-000000000000');
    expect(uuid()).not.toBe(uuid());
  });
});
