// One signed-in session: its stream, its state, its commands; kept over a page refresh.

import { browserWorld, later } from './api/browser';
import { Api } from './api/http';
import { EventStream, type StreamStatus } from './api/stream';
import type { Action, DeskConfig, SessionAnswer } from './api/wire';
import { instant } from './format/time';
import { may, MOVES } from './state/allowed';
import type { Agent } from './state/reducer';
import { ServerClock } from './state/clock';
import { Signal } from './state/signal';
import type { Order } from './state/steer';
import { DeskStore } from './state/store';

/** Who is signed in, and the token to prove it. */
export type Identity = SessionAnswer;

/** What happened to the last command: shown on the phone bar for a while. */
export interface Notice {
  action: string;
  code: string;
}

const STORED = 'hotline.session';

/** How long what went wrong is shown. */
const NOTICE_MS = 10_000;
/** How long the way out waits for the agent's sign-out. */
const LEAVE_MS = 2_000;
/** After a connection is back, for how long a sign-in is taken to be the engine's own doing. */
export const RETURN_MS = 5_000;
/** How long what was missed has to arrive before it is judged. */
export const SETTLE_MS = 300;
const LOOK_MS = 5_000;
const SLEPT_MS = 90_000;

/**
 * How long a command may wait for its answer. Those that name no call must be given up before the
 * next call can begin, or a lost connection would hang up the wrong one.
 */
export const LIFE_MS = 30_000;
export const LIFE_OF_CALL_BOUND_MS = 8_000;
const CALL_BOUND: ReadonlySet<Action> = new Set(['hang_up', 'extend_acw', ...MOVES]);

/** The session of before the refresh, if there was one. */
export function storedIdentity(): Identity | null {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(STORED) ?? 'null');
    return value && typeof value === 'object' && 'token' in value ? (value as Identity) : null;
  } catch {
    return null;
  }
}

export class Session {
  readonly api: Api;
  readonly store: DeskStore;
  readonly clock = new ServerClock(() => Date.now());
  readonly link = new Signal<StreamStatus>({ phase: 'stopped' });
  readonly config = new Signal<DeskConfig | null>(null);
  readonly sending = new Signal<ReadonlySet<string>>(new Set());
  readonly notice = new Signal<Notice | null>(null);
  /** What a supervisor's last command did, for a while. */
  readonly steered = new Signal<string | null>(null);
  readonly identity: Identity;
  #stream: EventStream;
  #renew = (): void => this.#stream.renew();
  #shown = (): void => {
    if (document.visibilityState === 'visible' && this.link.get().phase === 'waiting') this.retryNow();
  };
  #connections = 0;
  /** Until when a sign-in is one that this desktop's return caused. */
  #returning = 0;
  #looked = 0;
  #look: ReturnType<typeof setInterval> | null = null;

  constructor(identity: Identity) {
    this.identity = identity;
    this.api = new Api(identity.token);
    const board = identity.permissions.includes('board.view');
    this.store = new DeskStore(identity.user, later, board);
    this.#stream = new EventStream(browserWorld(this.api, identity.token, !board), {
      event: (frame) => {
        const at = instant(frame.at);
        if (at !== null) this.clock.observe(at);
        const before = this.#mine();
        this.store.apply(frame);
        if (hadLeft(before) && broughtBack(this.#mine())) this.#staySignedOut();
      },
      status: (status) => {
        if (status.phase === 'connecting') this.clock.renew();
        if (status.phase === 'open') this.#opened();
        this.link.set(status);
      },
      afresh: () => this.store.expectSnapshot(),
    });
  }

  start(): void {
    sessionStorage.setItem(STORED, JSON.stringify(this.identity));
    addEventListener('online', this.#renew);
    document.addEventListener('visibilitychange', this.#shown);
    this.#looked = Date.now();
    this.#look = setInterval(() => this.#watchSleep(), LOOK_MS);
    this.#stream.start();
  }

  stop(): void {
    removeEventListener('online', this.#renew);
    document.removeEventListener('visibilitychange', this.#shown);
    if (this.#look !== null) clearInterval(this.#look);
    this.#stream.stop();
  }

  /** Forgets the session here and ends it at the server, if that can be reached. */
  end(): void {
    this.stop();
    sessionStorage.removeItem(STORED);
    void this.api.signOut().catch(() => undefined);
  }

  retryNow(): void {
    this.#stream.retryNow();
  }

  /** Performs a button of the phone bar; what goes wrong becomes the notice. */
  async act(action: Action, data: Record<string, unknown> = {}): Promise<boolean> {
    if (this.sending.get().has(action)) return false;
    this.sending.set(new Set(this.sending.get()).add(action));
    this.notice.set(null);
    const reply = await this.#stream.send(action, data, CALL_BOUND.has(action) ? LIFE_OF_CALL_BOUND_MS : LIFE_MS);
    const left = new Set(this.sending.get());
    left.delete(action);
    this.sending.set(left);
    if (!reply.ok) this.#complain({ action, code: reply.error?.code ?? 'other' });
    return reply.ok;
  }

  /** Gives a supervisor's command: null where it was done, else the code of the refusal. */
  async steer({ type, data, said }: Order): Promise<string | null> {
    const reply = await this.#stream.send(type, data, LIFE_OF_CALL_BOUND_MS);
    if (!reply.ok) return reply.error?.code ?? 'other';
    this.steered.set(said);
    later(NOTICE_MS, () => {
      if (this.steered.get() === said) this.steered.set(null);
    });
    return null;
  }

  /** Leaves: signs the agent out as well, now or after the call, so that no phone rings for nobody. */
  async leave(): Promise<void> {
    if (may(this.#mine(), 'sign_out')) {
      const late = new Promise((done) => later(LEAVE_MS, () => done(false)));
      await Promise.race([this.act('sign_out'), late]);
    }
    this.end();
  }

  #mine(): Agent | null {
    return this.store.snapshot().agents[this.identity.user] ?? null;
  }

  #opened(): void {
    this.#connections += 1;
    if (this.#connections > 1) this.#returning = Date.now() + RETURN_MS;
    this.#loadConfig();
  }

  /**
   * To the engine whoever opens a desktop is at work; one that only found its connection again is
   * not: who had left stays away, unless they say something else meanwhile.
   */
  #staySignedOut(): void {
    if (Date.now() > this.#returning) return;
    later(SETTLE_MS, () => {
      if (broughtBack(this.#mine())) void this.#stream.send('sign_out', {}, LIFE_OF_CALL_BOUND_MS);
    });
  }

  #complain(notice: Notice): void {
    this.notice.set(notice);
    later(NOTICE_MS, () => {
      if (this.notice.get() === notice) this.notice.set(null);
    });
  }

  /** Asks to whom the call could be given: `targets` follows. */
  listTargets(search: string): void {
    void this.#stream.send('list_targets', { search }, LIFE_OF_CALL_BOUND_MS);
  }

  /** Tells the engine that the agent can see the pop. Nobody waits for the answer. */
  popShown(offer: string): void {
    void this.#stream.send('pop_shown', { offer_id: offer }, LIFE_OF_CALL_BOUND_MS);
  }

  /** A hidden page is looked at once a minute; one that was not for longer slept with its machine. */
  #watchSleep(): void {
    const now = Date.now();
    if (now - this.#looked > SLEPT_MS) this.#stream.renew();
    this.#looked = now;
  }

  #loadConfig(): void {
    if (this.config.get()) return;
    this.api.config().then(
      (config) => this.config.set(config),
      () => undefined, // asked again at the next connection; names are shown as codes until then
    );
  }
}

/** Whether an agent had signed out, or was to be after their call. */
function hadLeft(agent: Agent | null): boolean {
  return agent !== null && (agent.status === 'signed_out' || agent.next === 'signed_out');
}

function broughtBack(agent: Agent | null): boolean {
  return agent?.status === 'not_ready' && agent.reason === 'signed_in';
}
