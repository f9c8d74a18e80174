// Plain requests to the engine, with the bearer token, and their failures as one type.

import type {
  AgentWhy,
  ApiErrorBody,
  CallDetail,
  CallRecord,
  CallTrace,
  CallWhy,
  DeskConfig,
  MessageData,
  Page,
  PeaksData,
  SessionAnswer,
} from './wire';

/** A request that did not succeed. `status` 0: the server was not reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly retryAfterMs: number | null,
  ) {
    super(code);
  }
}

/** What is asked for in a list; empty fields do not narrow it. */
export interface CallQuery {
  from?: string | undefined;
  until?: string | undefined;
  queue?: string | undefined;
  agent?: string | undefined;
  outcome?: string | undefined;
  ani?: string | undefined;
  limit?: number;
  cursor?: string | undefined;
}

/** An answer that takes longer is given up. Recordings are exempt. */
export const REQUEST_TIMEOUT_MS = 10_000;

const BASE = '/api/v1/';

/** The address of `path` with the non-empty `query` fields. */
export function address(path: string, query: Readonly<Record<string, string | number | undefined>> = {}): string {
  const parts = Object.entries(query).filter(([, value]) => value !== undefined && value !== '');
  const search = new URLSearchParams(parts.map(([name, value]) => [name, String(value)]));
  return parts.length > 0 ? `${BASE}${path}?${search}` : `${BASE}${path}`;
}

/** What a failed answer means. */
export function failure(status: number, body: unknown, retryAfter: string | null): ApiError {
  const error = (body as Partial<ApiErrorBody> | null)?.error;
  const inBody = error?.retry_after_ms;
  const seconds = retryAfter === null ? NaN : Number(retryAfter);
  const wait = typeof inBody === 'number' ? inBody : Number.isFinite(seconds) ? seconds * 1000 : null;
  return new ApiError(status, typeof error?.code === 'string' ? error.code : `http_${status}`, wait);
}

async function request(path: string, init: RequestInit): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, { cache: 'no-store', ...init });
  } catch (error) {
    if (init.signal?.aborted && (error as Error).name === 'AbortError') throw error;
    throw new ApiError(0, 'unreachable', null);
  }
  if (answer.ok) return answer;
  const body: unknown = await answer.json().catch(() => null);
  throw failure(answer.status, body, answer.headers.get('retry-after'));
}

const timeout = (): AbortSignal => AbortSignal.timeout(REQUEST_TIMEOUT_MS);

/** Signs in; an `ApiError` says why not. */
export async function signIn(user: string, password: string): Promise<SessionAnswer> {
  const answer = await request(address('sessions'), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ user, password }),
    signal: timeout(),
  });
  return (await answer.json()) as SessionAnswer;
}

/** The engine's lists and files, for one who is signed in. */
export class Api {
  #token: string;
  constructor(token: string) {
    this.#token = token;
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.#token}` };
  }

  async #read<T>(path: string, signal?: AbortSignal): Promise<T> {
    const limit = timeout();
    const answer = await request(path, {
      headers: this.#headers(),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
    return (await answer.json()) as T;
  }

  /** Who is signed in; refused where nobody is. */
  me(): Promise<unknown> {
    return this.#read(address('me'));
  }

  config(): Promise<DeskConfig> {
    return this.#read(address('config'));
  }

  calls(query: CallQuery, signal?: AbortSignal): Promise<Page<CallRecord>> {
    return this.#read(address('calls', { ...query }), signal);
  }

  call(id: string, signal?: AbortSignal): Promise<CallDetail> {
    return this.#read(address(`calls/${encodeURIComponent(id)}`), signal);
  }

  /** The call's SIP messages. */
  trace(id: string, signal?: AbortSignal): Promise<CallTrace> {
    return this.#read(address(`calls/${encodeURIComponent(id)}/trace`), signal);
  }

  /** Why the call's offers went where they went. */
  why(id: string, signal?: AbortSignal): Promise<CallWhy> {
    return this.#read(address(`calls/${encodeURIComponent(id)}/why`), signal);
  }

  /** Why one agent had the call or had it not. */
  whyAgent(id: string, agent: string, signal?: AbortSignal): Promise<AgentWhy> {
    return this.#read(address(`calls/${encodeURIComponent(id)}/why/${encodeURIComponent(agent)}`), signal);
  }

  /** The messages for the people of a queue, newest first. */
  messages(mailbox: string, open: boolean, cursor?: string, signal?: AbortSignal): Promise<Page<MessageData>> {
    return this.#read(address('recordings', { mailbox, open: open ? 'true' : undefined, cursor }), signal);
  }

  /** Says that somebody has dealt with a message. */
  async messageDone(id: string): Promise<void> {
    await request(address(`recordings/${encodeURIComponent(id)}/done`), {
      method: 'PUT',
      headers: this.#headers(),
      signal: timeout(),
    });
  }

  /** The call's SIP messages as a capture, for Wireshark. */
  async capture(id: string): Promise<Blob> {
    const path = address(`calls/${encodeURIComponent(id)}/trace.pcap`);
    const answer = await request(path, { headers: this.#headers(), signal: timeout() });
    return answer.blob();
  }

  /** The recording as WAV, to be read while it arrives. */
  audio(id: string, signal: AbortSignal): Promise<Response> {
    const path = address(`recordings/${encodeURIComponent(id)}/audio`);
    return request(path, { headers: this.#headers(), signal });
  }

  /** What the recording's waveform is drawn from; null for an old one, which has none. */
  async peaks(id: string, points: number, signal: AbortSignal): Promise<PeaksData | null> {
    try {
      return await this.#read(address(`recordings/${encodeURIComponent(id)}/peaks`, { points }), signal);
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }
  }

  /** Puts a recording under legal hold: it is not deleted, whatever its time. */
  async hold(id: string, why: string): Promise<void> {
    await request(address(`recordings/${encodeURIComponent(id)}/hold`), {
      method: 'PUT',
      headers: { ...this.#headers(), 'content-type': 'application/json' },
      body: JSON.stringify({ why }),
      signal: timeout(),
    });
  }

  /** Releases it. */
  async release(id: string): Promise<void> {
    await request(address(`recordings/${encodeURIComponent(id)}/hold`), {
      method: 'DELETE',
      headers: this.#headers(),
      signal: timeout(),
    });
  }

  async signOut(): Promise<void> {
    await request(address('sessions/current'), {
      method: 'DELETE',
      headers: this.#headers(),
      signal: timeout(),
      keepalive: true,
    });
  }
}
