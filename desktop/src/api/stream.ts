// The WebSocket to the engine: events come gap-free, commands are sent until they are answered.
// Sockets, timers, randomness and ids are passed in, so that a test can drive it step by step.

import type { CommandFrame, EventFrame, Reply } from './wire';

/** What the stream needs of a WebSocket. */
export interface SocketLike {
  send(text: string): void;
  close(code?: number): void;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
}

/** Whether the server can be reached and knows our token. */
export type Probe = 'ok' | 'unauthorised' | 'unreachable';

export interface StreamWorld {
  /**
   * Whether a new connection asks for what was missed. A board does not: where the server no longer
   * knows what was missed it sends the present state instead, which does not say what is gone.
   */
  resumes: boolean;
  open(after: number | null): SocketLike;
  probe(): Promise<Probe>;
  after(ms: number, run: () => void): () => void;
  now(): number;
  random(): number;
  newId(): string;
}

export type StreamStatus =
  | { phase: 'connecting'; attempt: number }
  | { phase: 'open' }
  | { phase: 'waiting'; attempt: number; retryAt: number }
  | { phase: 'unauthorised' }
  | { phase: 'replaced' }
  | { phase: 'stopped' };

export interface StreamHandlers {
  event(event: EventFrame): void;
  status(status: StreamStatus): void;
  /** The connection just opened begins with a snapshot. */
  afresh(): void;
}

/** First retry after half to one second, doubling up to 15 seconds. */
export const RETRY_FIRST_MS = 1_000;
export const RETRY_MOST_MS = 15_000;
/** Why the server closes for good: the session is over; the user opened too many desktops. */
export const CLOSED_SESSION_OVER = 4001;
export const CLOSED_REPLACED = 4002;
/** A server that says nothing for so long is asked whether it is there. */
export const SILENCE_MS = 30_000;
/** An open that neither succeeds nor fails for so long is given up. */
export const OPEN_TIMEOUT_MS = 10_000;
/** A socket that says nothing for so long after a command was sent is taken for dead. */
export const REPLY_MS = 5_000;
/** Commands that may be waiting for their answers at once. */
export const COMMANDS_MOST = 32;

/** The wait before attempt `attempt` (from 1), half of it by chance so that desktops do not return in step. */
export function retryDelay(attempt: number, random: number): number {
  const full = Math.min(RETRY_MOST_MS, RETRY_FIRST_MS * 2 ** Math.min(attempt - 1, 10));
  return Math.round(full / 2 + (random * full) / 2);
}

interface PendingCommand {
  frame: string;
  done(reply: Reply): void;
  cancelExpiry(): void;
}

export class EventStream {
  #world: StreamWorld;
  #handlers: StreamHandlers;
  #socket: SocketLike | null = null;
  #opened = false;
  #attempt = 0;
  #last: number | null = null;
  #gapAt: number | null = null;
  #pending = new Map<string, PendingCommand>();
  #cancelRetry: (() => void) | null = null;
  #cancelSilence: (() => void) | null = null;
  #running = false;

  constructor(world: StreamWorld, handlers: StreamHandlers) {
    this.#world = world;
    this.#handlers = handlers;
  }

  /** The last event taken. */
  get lastSeq(): number | null {
    return this.#last;
  }

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    this.#drop();
    for (const id of [...this.#pending.keys()]) this.#settle(failure(id, 'stopped'));
    this.#handlers.status({ phase: 'stopped' });
  }

  /** The network is back, the page was shown again, or someone asked: do not wait for the timer. */
  retryNow(): void {
    if (this.#running && this.#cancelRetry) this.#connect();
    else if (!this.#running) this.start();
  }

  /** This machine slept or changed its network: the old connection may be dead without knowing. */
  renew(): void {
    if (this.#running) this.#connect();
  }

  /** Sends a command, again after each reconnection with the same id, until answered or `lifeMs` old. */
  send(type: string, data: Record<string, unknown>, lifeMs: number): Promise<Reply> {
    const id = this.#world.newId();
    if (this.#pending.size >= COMMANDS_MOST) return Promise.resolve(failure(id, 'too_many'));
    const command: CommandFrame = { id, type, data };
    const frame = JSON.stringify(command);
    return new Promise((done) => {
      const cancelExpiry = this.#world.after(lifeMs, () => {
        this.#settle(failure(id, 'expired'));
      });
      this.#pending.set(id, { frame, done, cancelExpiry });
      if (this.#opened) this.#transmit(frame);
    });
  }

  #connect(): void {
    this.#drop();
    this.#attempt += 1;
    if (!this.#world.resumes) this.#last = null;
    this.#handlers.status({ phase: 'connecting', attempt: this.#attempt });
    const socket = this.#world.open(this.#last);
    this.#socket = socket;
    this.#watch(OPEN_TIMEOUT_MS, () => this.#lost(socket));
    socket.onopen = () => {
      if (socket !== this.#socket) return;
      this.#opened = true;
      this.#heard();
      if (this.#last === null) this.#handlers.afresh();
      this.#handlers.status({ phase: 'open' });
      for (const { frame } of this.#pending.values()) this.#transmit(frame);
    };
    socket.onmessage = ({ data }) => {
      if (socket === this.#socket && typeof data === 'string') this.#take(data);
    };
    socket.onclose = ({ code }) => {
      if (socket !== this.#socket) return;
      if (code === CLOSED_SESSION_OVER) this.#end({ phase: 'unauthorised' });
      else if (code === CLOSED_REPLACED) this.#end({ phase: 'replaced' });
      else this.#lost(socket);
    };
  }

  #transmit(frame: string): void {
    const socket = this.#socket;
    if (!socket) return;
    socket.send(frame);
    this.#watch(REPLY_MS, () => this.#lost(socket));
  }

  #take(text: string): void {
    this.#heard();
    const frame = parse(text);
    if (frame === null) return;
    this.#attempt = 0;
    if ('reply_to' in frame) {
      this.#settle(frame);
      return;
    }
    if (this.#last !== null && frame.seq <= this.#last) return;
    if (this.#last !== null && frame.seq !== this.#last + 1) {
      this.#gap();
      return;
    }
    this.#gapAt = null;
    this.#last = frame.seq;
    this.#handlers.event(frame);
  }

  /** Events are missing: ask for them once; if they are missing again, start over from nothing. */
  #gap(): void {
    if (this.#gapAt === this.#last) {
      this.#last = null;
      this.#gapAt = null;
    } else {
      this.#gapAt = this.#last;
    }
    this.#connect();
  }

  #settle(reply: Reply): void {
    const pending = this.#pending.get(reply.reply_to);
    if (!pending) return;
    this.#pending.delete(reply.reply_to);
    pending.cancelExpiry();
    pending.done(reply);
  }

  #lost(socket: SocketLike): void {
    if (socket !== this.#socket || !this.#running) return;
    const neverOpened = !this.#opened;
    this.#drop();
    this.#attempt = Math.max(1, this.#attempt);
    const delay = retryDelay(this.#attempt, this.#world.random());
    this.#handlers.status({
      phase: 'waiting',
      attempt: this.#attempt,
      retryAt: this.#world.now() + delay,
    });
    this.#cancelRetry = this.#world.after(delay, () => this.#connect());
    if (neverOpened) this.#askWhy();
  }

  /** A browser does not say why a WebSocket was refused; a plain request does. */
  #askWhy(): void {
    void this.#world.probe().then((probe) => {
      if (probe === 'unauthorised' && this.#running && !this.#opened) this.#end({ phase: probe });
    });
  }

  /** No use in trying again by itself. */
  #end(status: StreamStatus): void {
    this.#running = false;
    this.#drop();
    this.#handlers.status(status);
  }

  #heard(): void {
    this.#watch(SILENCE_MS, () => {
      const socket = this.#socket;
      void this.#world.probe().then((probe) => {
        if (socket === null || socket !== this.#socket) return;
        if (probe === 'ok') this.#heard();
        else this.#lost(socket);
      });
    });
  }

  #watch(ms: number, run: () => void): void {
    this.#cancelSilence?.();
    this.#cancelSilence = this.#world.after(ms, run);
  }

  #drop(): void {
    this.#cancelRetry?.();
    this.#cancelRetry = null;
    this.#cancelSilence?.();
    this.#cancelSilence = null;
    this.#opened = false;
    const socket = this.#socket;
    this.#socket = null;
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }
}

function failure(id: string, code: string): Reply {
  return { reply_to: id, ok: false, error: { code, message: code } };
}

/** An event or a reply; anything else is not ours to judge and is skipped. */
function parse(text: string): EventFrame | Reply | null {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null) return null;
    if ('reply_to' in value && typeof value.reply_to === 'string') return value as Reply;
    if ('seq' in value && typeof value.seq === 'number' && 'type' in value) return value as EventFrame;
    return null;
  } catch {
    return null;
  }
}
