import { beforeEach, describe, expect, it } from 'vitest';

import {
  CLOSED_REPLACED,
  CLOSED_SESSION_OVER,
  COMMANDS_MOST,
  EventStream,
  OPEN_TIMEOUT_MS,
  REPLY_MS,
  retryDelay,
  RETRY_MOST_MS,
  SILENCE_MS,
} from '../src/api/stream';
import { FakeWorld, Heard, settle } from './fakes';

let world: FakeWorld;
let heard: Heard;
let stream: EventStream;

beforeEach(() => {
  world = new FakeWorld();
  heard = new Heard();
  stream = new EventStream(world, heard);
});

const begin = (): void => {
  stream.start();
  world.socket.open();
};
const seqs = (): number[] => heard.events.map(({ seq }) => seq);
const LIFE = 30_000;

describe('events', () => {
  it('begin with a snapshot, from whatever number', () => {
    begin();
    expect(world.socket.after).toBeNull();
    expect(heard.fresh).toBe(1);
    world.socket.event(41);
    world.socket.event(42);
    expect(seqs()).toEqual([41, 42]);
    expect(stream.lastSeq).toBe(42);
  });

  it('are taken once', () => {
    begin();
    for (const seq of [1, 2, 2, 1, 3]) world.socket.event(seq);
    expect(seqs()).toEqual([1, 2, 3]);
  });

  it('go on after a break from the last one seen', async () => {
    begin();
    world.socket.event(7);
    world.socket.break();
    expect(heard.phase).toBe('waiting');
    await world.pass(1_000);
    expect(world.socket.after).toBe(7);
    world.socket.open();
    expect(heard.fresh).toBe(1);
    world.socket.event(8);
    expect(seqs()).toEqual([7, 8]);
  });

  it('of a board begin afresh after a break', async () => {
    world.resumes = false;
    begin();
    world.socket.event(7);
    world.socket.break();
    await world.pass(1_000);
    expect(world.socket.after).toBeNull();
    world.socket.open();
    expect(heard.fresh).toBe(2);
    world.socket.event(3);
    expect(seqs()).toEqual([7, 3]);
  });

  it('that are missing are asked for', () => {
    begin();
    world.socket.event(1);
    world.socket.event(4);
    expect(seqs()).toEqual([1]);
    expect(world.sockets).toHaveLength(2);
    expect(world.sockets[0]?.closed).toBe(true);
    expect(world.socket.after).toBe(1);
    world.socket.open();
    for (const seq of [2, 3, 4]) world.socket.event(seq);
    expect(seqs()).toEqual([1, 2, 3, 4]);
  });

  it('that stay missing make it begin afresh, not loop', () => {
    begin();
    world.socket.event(1);
    world.socket.event(4);
    world.socket.open();
    world.socket.event(4);
    expect(world.socket.after).toBeNull();
    world.socket.open();
    expect(heard.fresh).toBe(2);
    world.socket.event(9);
    expect(seqs()).toEqual([1, 9]);
  });

  it('of a connection that was given up are not heard', () => {
    begin();
    const old = world.socket;
    const hear = old.onmessage;
    old.break();
    hear?.({ data: JSON.stringify({ seq: 1, at: '', type: 'x', data: {} }) });
    expect(seqs()).toEqual([]);
  });

  it('that cannot be read are skipped', () => {
    begin();
    for (const text of ['', '{', 'null', '[]', '{"seq":"1"}', '{"reply_to":null}']) world.socket.receive(text);
    world.socket.event(1);
    expect(seqs()).toEqual([1]);
  });
});

describe('a lost connection', () => {
  it('is tried again after growing, partly random waits', () => {
    expect([1, 2, 3, 4, 5, 6, 60].map((attempt) => retryDelay(attempt, 1))).toEqual([
      1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
    ]);
    expect(retryDelay(1, 0)).toBe(500);
    expect(retryDelay(99, 0.999)).toBeLessThanOrEqual(RETRY_MOST_MS);
  });

  it('says when it is tried again and how often it was', async () => {
    stream.start();
    world.socket.break();
    expect(heard.statuses.at(-1)).toEqual({ phase: 'waiting', attempt: 1, retryAt: world.now() + 750 });
    await world.pass(750);
    expect(heard.statuses.at(-1)).toEqual({ phase: 'connecting', attempt: 2 });
    world.socket.break();
    expect(heard.statuses.at(-1)).toMatchObject({ phase: 'waiting', attempt: 2 });
  });

  it('counts from one again after an event came', async () => {
    begin();
    world.socket.break();
    await world.pass(1_000);
    world.socket.open();
    world.socket.event(1);
    world.socket.break();
    expect(heard.statuses.at(-1)).toMatchObject({ phase: 'waiting', attempt: 1 });
  });

  it('is tried at once when someone asks', () => {
    stream.start();
    world.socket.break();
    stream.retryNow();
    expect(heard.phase).toBe('connecting');
    stream.retryNow();
    expect(world.sockets).toHaveLength(2);
  });

  it('is given up when the session is over, and when too many desktops are open', async () => {
    for (const [code, phase] of [
      [CLOSED_SESSION_OVER, 'unauthorised'],
      [CLOSED_REPLACED, 'replaced'],
    ] as const) {
      stream = new EventStream(world, heard);
      begin();
      world.socket.break(code);
      expect(heard.phase).toBe(phase);
      const count = world.sockets.length;
      await world.pass(60_000);
      expect(world.sockets).toHaveLength(count);
    }
    stream.retryNow();
    expect(heard.phase).toBe('connecting');
  });

  it('that was refused is over if the server does not know the token', async () => {
    world.answer = 'unauthorised';
    stream.start();
    world.socket.break();
    await settle();
    expect(heard.phase).toBe('unauthorised');
  });

  it('that was refused is tried again if the server cannot be reached', async () => {
    world.answer = 'unreachable';
    stream.start();
    world.socket.break();
    await settle();
    expect(heard.phase).toBe('waiting');
  });

  it('that neither opens nor fails is given up', async () => {
    stream.start();
    await world.pass(OPEN_TIMEOUT_MS);
    expect(world.sockets[0]?.closed).toBe(true);
    expect(heard.phase).toBe('waiting');
  });

  it('is noticed by its silence', async () => {
    begin();
    world.answer = 'unreachable';
    await world.pass(SILENCE_MS - 1);
    expect(world.probes).toBe(0);
    await world.pass(1);
    expect(heard.phase).toBe('waiting');
  });

  it('is not suspected while the server answers', async () => {
    begin();
    await world.pass(SILENCE_MS * 3);
    expect(world.probes).toBe(3);
    expect(heard.phase).toBe('open');
  });

  it('is replaced when the machine woke up', () => {
    begin();
    world.socket.event(5);
    stream.renew();
    expect(world.sockets[0]?.closed).toBe(true);
    expect(world.socket.after).toBe(5);
  });
});

describe('commands', () => {
  it('are answered', async () => {
    begin();
    const reply = stream.send('not_ready', { reason: 'break' }, LIFE);
    expect(world.socket.sent).toEqual([{ id: 'id-1', type: 'not_ready', data: { reason: 'break' } }]);
    world.socket.receive({ reply_to: 'id-1', ok: true });
    expect(await reply).toEqual({ reply_to: 'id-1', ok: true });
  });

  it('are refused with the reason', async () => {
    begin();
    const reply = stream.send('ready', {}, LIFE);
    const error = { code: 'phone_unreachable', message: 'no phone' };
    world.socket.receive({ reply_to: 'id-1', ok: false, error });
    expect(await reply).toMatchObject({ ok: false, error });
  });

  it('wait for the connection and are sent again with the same id until answered', async () => {
    stream.start();
    const reply = stream.send('ready', {}, LIFE);
    expect(world.socket.sent).toEqual([]);
    world.socket.open();
    expect(world.socket.sent.map(({ id }) => id)).toEqual(['id-1']);
    world.socket.break();
    await world.pass(1_000);
    world.socket.open();
    expect(world.socket.sent.map(({ id }) => id)).toEqual(['id-1']);
    world.socket.receive({ reply_to: 'id-1', ok: true });
    expect((await reply).ok).toBe(true);
    world.socket.break();
    await world.pass(1_000);
    world.socket.open();
    expect(world.socket.sent).toEqual([]);
  });

  it('keep their order over a new connection', async () => {
    begin();
    void stream.send('not_ready', { reason: 'break' }, LIFE);
    void stream.send('ready', {}, LIFE);
    world.socket.break();
    await world.pass(1_000);
    world.socket.open();
    expect(world.socket.sent.map(({ type }) => type)).toEqual(['not_ready', 'ready']);
  });

  it('are given up when they are too old, so that they cannot act on a later call', async () => {
    begin();
    const reply = stream.send('hang_up', {}, 8_000);
    world.socket.break();
    await world.pass(750);
    await world.pass(7_250);
    expect((await reply).error?.code).toBe('expired');
    world.socket.open();
    expect(world.socket.sent.filter(({ type }) => type === 'hang_up')).toEqual([]);
  });

  it('without an answer make a silent connection suspect', async () => {
    begin();
    void stream.send('ready', {}, LIFE);
    await world.pass(REPLY_MS);
    expect(heard.phase).toBe('waiting');
  });

  it('are limited in number', async () => {
    begin();
    for (let nth = 0; nth < COMMANDS_MOST; nth += 1) void stream.send('ready', {}, LIFE);
    expect((await stream.send('ready', {}, LIFE)).error?.code).toBe('too_many');
  });

  it('end when the stream is stopped', async () => {
    begin();
    const reply = stream.send('ready', {}, LIFE);
    stream.stop();
    expect((await reply).error?.code).toBe('stopped');
    expect(heard.phase).toBe('stopped');
  });

  it('answers to what nobody asked are skipped', () => {
    begin();
    world.socket.receive({ reply_to: 'someone-else', ok: true });
    expect(heard.phase).toBe('open');
  });
});
