// What the event stream needs of a browser: sockets, timers, chance and ids.

import { ApiError, type Api } from './http';
import type { Probe, SocketLike, StreamWorld } from './stream';

/** A random UUID (version 4). `crypto.randomUUID` is missing where the page came by plain http. */
export function uuid(random: (bytes: Uint8Array) => Uint8Array = (b) => crypto.getRandomValues(b)): string {
  const bytes = random(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return [0, 8, 12, 16, 20].map((from, i, all) => hex.slice(from, all[i + 1])).join('-');
}

/** The address of the event stream on the page's own server. */
export function streamAddress(page: string, token: string, after: number | null): string {
  const url = new URL('/api/v1/events', page);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.hash = '';
  url.search = '';
  url.searchParams.set('token', token);
  if (after !== null) url.searchParams.set('after', String(after));
  return url.href;
}

export function later(ms: number, run: () => void): () => void {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
}

async function probe(api: Api): Promise<Probe> {
  try {
    await api.me();
    return 'ok';
  } catch (error) {
    if (!(error instanceof ApiError)) return 'unreachable';
    return error.status === 401 ? 'unauthorised' : error.status === 0 ? 'unreachable' : 'ok';
  }
}

export function browserWorld(api: Api, token: string, resumes: boolean): StreamWorld {
  return {
    resumes,
    open: (after) => new WebSocket(streamAddress(location.href, token, after)) as SocketLike,
    probe: () => probe(api),
    after: later,
    now: () => Date.now(),
    random: () => Math.random(),
    newId: () => uuid(),
  };
}
