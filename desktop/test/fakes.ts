// What the tests drive instead of a browser: sockets, timers, chance and ids that do as they are told.
import type { Probe, SocketLike, StreamHandlers, StreamStatus, StreamWorld } from '../src/api/stream';
import type { AgentStateData, CallStateData, EventFrame, ScreenPopData } from '../src/api/wire';

export class FakeSocket implements SocketLike {
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  sent: { id: string; type: string; data: Record<string, unknown> }[] = [];
  closed = false;

  constructor(readonly after: number | null) {}

  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }

  close(): void {
    this.closed = true;
  }

  open(): void {
    this.onopen?.();
  }

  receive(value: unknown): void {
    this.onmessage?.({ data: typeof value === 'string' ? value : JSON.stringify(value) });
  }

  event(seq: number, type = 'queue_state'): void {
    this.receive({ seq, at: '2026-01-01T00:00:00.000+08:00', type, data: {} });
  }

  break(code = 1006): void {
    this.onclose?.({ code });
  }
}

interface Timer {
  at: number;
  run(): void;
}

/** A world in which time passes only when told. */
export class FakeWorld implements StreamWorld {
  sockets: FakeSocket[] = [];
  probes = 0;
  answer: Probe = 'ok';
  resumes = true;
  #now = 1_000_000;
  #timers = new Set<Timer>();
  #ids = 0;

  open(after: number | null): SocketLike {
    const socket = new FakeSocket(after);
    this.sockets.push(socket);
    return socket;
  }

  get socket(): FakeSocket {
    const last = this.sockets.at(-1);
    if (!last) throw new Error('no socket was opened');
    return last;
  }

  probe(): Promise<Probe> {
    this.probes += 1;
    return Promise.resolve(this.answer);
  }

  readonly after = (ms: number, run: () => void): (() => void) => {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  };

  now(): number {
    return this.#now;
  }

  random(): number {
    return 0.5;
  }

  newId(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  /** Lets `ms` pass; what is due runs in its order, and promises in between. */
  async pass(ms: number): Promise<void> {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.run();
      await settle();
    }
    this.#now = until;
    await settle();
  }
}

export async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

export class Heard implements StreamHandlers {
  events: EventFrame[] = [];
  statuses: StreamStatus[] = [];
  fresh = 0;

  event(event: EventFrame): void {
    this.events.push(event);
  }

  status(status: StreamStatus): void {
    this.statuses.push(status);
  }

  afresh(): void {
    this.fresh += 1;
  }

  get phase(): string | undefined {
    return this.statuses.at(-1)?.phase;
  }
}

export const AT = '2026-01-01T10:00:00.000+08:00';

export function frame(type: string, data: unknown, at = AT): EventFrame {
  return { seq: 1, at, type, data };
}

export function agentData(changes: Partial<AgentStateData> = {}): AgentStateData {
  return {
    agent_id: '8001',
    status: 'ready',
    reason: null,
    state: 'idle',
    since: AT,
    next_status: null,
    next_reason: null,
    allowed: ['not_ready', 'sign_out'],
    call_id: null,
    acw_until: null,
    phone_reachable: true,
    ...changes,
  };
}

export function popData(changes: Partial<ScreenPopData> = {}): ScreenPopData {
  return {
    call_id: 'c1-1-1',
    offer_id: 'o1-1-1',
    brought_by: null,
    transfer: null,
    ani: '138******78',
    dnis: '95512',
    queue: 'claims',
    waited_ms: 23_000,
    ivr: { path: ['welcome', 'menu'], inputs: [{ node: 'menu', digits: '1' }] },
    lookup: 'pending',
    customer: null,
    policies: [],
    ...changes,
  };
}

export function callData(changes: Partial<CallStateData> = {}): CallStateData {
  return {
    call_id: 'c1-1-1',
    state: 'queued',
    since: AT,
    direction: 'inbound',
    ani: '138******78',
    dnis: '95512',
    queue: 'claims',
    agent_id: null,
    recording_id: null,
    recording_paused: null,
    guest: null,
    outcome: null,
    ...changes,
  };
}
