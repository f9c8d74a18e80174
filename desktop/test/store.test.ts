import { describe, expect, it, vi } from 'vitest';

import { ServerClock } from '../src/state/clock';
import { DeskStore, REDRAW_MS, SNAPSHOT_MS } from '../src/state/store';
import { agentData, callData, FakeWorld, frame, popData } from './fakes';

function store() {
  const world = new FakeWorld();
  const desk = new DeskStore('8001', world.after);
  const drawn = vi.fn();
  desk.subscribe(drawn);
  return { world, desk, drawn };
}

describe('the store', () => {
  it('shows what concerns one’s own call at once', () => {
    const { desk, drawn } = store();
    desk.apply(frame('screen_pop', popData()));
    expect(desk.snapshot().pop?.offer_id).toBe('o1-1-1');
    desk.apply(frame('agent_state', agentData({ state: 'ringing', call_id: 'c1-1-1' })));
    expect(desk.snapshot().agents['8001']?.state).toBe('ringing');
    expect(drawn).toHaveBeenCalledTimes(2);
  });

  it('draws a flood of board events together', async () => {
    const { world, desk, drawn } = store();
    for (let nth = 0; nth < 500; nth += 1) desk.apply(frame('call_state', callData({ call_id: `c1-1-${nth}` })));
    expect(drawn).not.toHaveBeenCalled();
    await world.pass(REDRAW_MS);
    expect(drawn).toHaveBeenCalledTimes(1);
    expect(Object.keys(desk.snapshot().calls)).toHaveLength(500);
  });

  it('shows waiting board events with the next urgent one, not later', async () => {
    const { world, desk, drawn } = store();
    desk.apply(frame('call_state', callData()));
    desk.apply(frame('screen_pop', popData()));
    expect(Object.keys(desk.snapshot().calls)).toHaveLength(1);
    await world.pass(REDRAW_MS);
    expect(drawn).toHaveBeenCalledTimes(1);
  });

  it('does not grow with every call that is given away, but keeps those of a board', () => {
    for (const board of [false, true]) {
      const desk = new DeskStore('8001', new FakeWorld().after, board);
      for (let nth = 0; nth < 50; nth += 1) {
        const call_id = `c1-1-${nth}`;
        desk.apply(frame('call_state', callData({ call_id, state: 'talking', agent_id: '8001' })));
        desk.apply(frame('agent_state', agentData({ state: 'talking', call_id })));
        desk.apply(frame('agent_state', agentData()));
      }
      expect(Object.keys(desk.snapshot().calls)).toHaveLength(board ? 50 : 0);
    }
  });

  it('does not draw for what changes nothing', async () => {
    const { world, desk, drawn } = store();
    desk.apply(frame('weather', {}));
    await world.pass(REDRAW_MS);
    expect(drawn).not.toHaveBeenCalled();
  });

  it('keeps showing what it had until a snapshot has come, then drops what is over', async () => {
    const { world, desk } = store();
    desk.apply(frame('call_state', callData({ call_id: 'c1-1-1' })));
    desk.apply(frame('call_state', callData({ call_id: 'c1-1-2' })));
    await world.pass(REDRAW_MS);
    desk.expectSnapshot();
    desk.apply(frame('call_state', callData({ call_id: 'c1-1-2' })));
    await world.pass(SNAPSHOT_MS - 1);
    expect(Object.keys(desk.snapshot().calls)).toHaveLength(2);
    await world.pass(1);
    expect(Object.keys(desk.snapshot().calls)).toEqual(['c1-1-2']);
  });

  it('tells nobody who has left', () => {
    const { desk } = store();
    const left = vi.fn();
    desk.subscribe(left)();
    desk.apply(frame('screen_pop', popData()));
    expect(left).not.toHaveBeenCalled();
  });
});

describe('the server’s clock', () => {
  it('is this machine’s until an event came', () => {
    expect(new ServerClock(() => 5_000).now()).toBe(5_000);
  });

  it('follows the event that was least late', () => {
    let local = 100_000;
    const clock = new ServerClock(() => local);
    clock.observe(160_000 - 900);
    clock.observe(160_000 - 20);
    clock.observe(160_000 - 500);
    local += 10_000;
    expect(clock.now()).toBe(169_980);
  });

  it('is set anew with a new connection', () => {
    let local = 100_000;
    const clock = new ServerClock(() => local);
    clock.observe(160_000);
    local += 3_600_000;
    clock.renew();
    expect(clock.now()).toBe(3_760_000);
    clock.observe(170_000);
    expect(clock.now()).toBe(170_000);
  });
});
