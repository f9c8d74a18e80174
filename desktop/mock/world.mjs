// A pretended call center: agents, queues and scripted calls, told in the engine's events.
import { customer, iso, record, seeded } from './data.mjs';

export const QUEUES = [
  { code: 'general', zh: '综合服务', en: '综合服务' },
  { code: 'claims', zh: '理赔报案', en: '理赔报案' },
  { code: 'complaints', zh: '投诉', en: '投诉' },
];
const CODES = ['claim_registered', 'enquiry_answered', 'complaint_recorded', 'follow_up', 'wrong_number'];
const TITLES = ['已报案', '咨询已答复', '投诉已记录', '需后续跟进', '误拨'];
export const DISPOSITIONS = CODES.map((code, at) => ({ code, zh: TITLES[at], en: TITLES[at] }));
const REASONS = ['break', 'meal', 'training', 'meeting', 'back_office'];

/** Default durations of a scripted call, in milliseconds. */
export const PACE = { menu: 400, pop: 300, lookup: 900, ring: 1_500, talk: 6_000, acw: 10_000, between: 1_000 };

/** Two lines to carriers, one of which has lost a target, and a branch that only calls in. */
const LINES = [
  { trunk: 'carrier', calls: 12, refused: 0, targets: 2, reachable: 2, registered: true, answered_at: new Date().toISOString() },
  { trunk: 'backup', calls: 3, refused: 41, targets: 2, reachable: 1, registered: null, answered_at: new Date().toISOString() },
  { trunk: 'branch-7', calls: 1, refused: 2, targets: 0, reachable: 0, registered: null, answered_at: null },
];

export class World {
  constructor({ pace = {}, robots = 0, seed = 1, auto = true } = {}) {
    this.pace = { ...PACE, ...pace };
    this.auto = auto;
    this.random = seeded(seed);
    this.listeners = new Set();
    this.calls = new Map();
    this.agents = new Map();
    this.alarms = new Map();
    this.plans = new Map([['台风', false], ['核心系统故障', false]]);
    /** The calls that asked to be called back, and in which queue. */
    this.callbacks = new Map();
    this.minted = 0;
    const robotIds = Array.from({ length: robots }, (_, at) => String(8101 + at));
    for (const id of ['8001', '8002', '8003', '8004', '8011', '8012', '8021', ...robotIds]) this.#hire(id);
    const now = Date.now();
    this.records = Array.from({ length: 120 }, (_, at) =>
      record(this.random, 1000 - at, now - at * 401_000 - 60_000),
    );
    for (const id of robotIds) this.#robot(this.agents.get(id));
  }

  #hire(id) {
    const since = Date.now() - Math.floor(this.random() * 600_000);
    const agent = { id, status: 'signed_out', reason: null, state: 'idle', since, next: null, nextReason: null };
    this.agents.set(id, { ...agent, call: null, acwUntil: null, timer: null, robot: false });
  }

  /** `tell(user | null, type, data)`: null is the board. */
  listen(tell) {
    this.listeners.add(tell);
  }

  tell(user, type, data) {
    for (const listener of this.listeners) listener(user, type, data);
  }

  // ---- what is told

  agentState(agent) {
    const { id, status, reason, state, since, next, nextReason, call, acwUntil } = agent;
    return {
      agent_id: id, status, reason, state, since: iso(since), next_status: next, next_reason: nextReason,
      allowed: this.allowed(agent), call_id: call?.call_id ?? null,
      acw_until: acwUntil && iso(acwUntil), phone_reachable: agent.reachable !== false, asks: agent.asks ?? null,
    };
  }

  allowed({ id, status, state, call }) {
    const all = [];
    if (state === 'idle' ? status !== 'ready' : state === 'acw') all.push('ready');
    all.push('not_ready');
    if (status !== 'signed_out') all.push('sign_out');
    if (['reserved', 'ringing', 'talking'].includes(state)) all.push('hang_up');
    if (state === 'acw') all.push('extend_acw', 'wrap_up');
    if (state === 'idle' && status !== 'signed_out' && id > '8010') all.push('dial');
    if (state === 'talking' && call?.agent === id) {
      const { guest, state: phase } = call;
      all.push(call.paused ? 'resume_recording' : 'pause_recording');
      if (!guest) all.push('transfer', 'consult');
      else if (phase === 'transferring') all.push('cancel_consult');
      else if (phase === 'conference') all.push('complete_transfer', 'cancel_consult');
      else if (guest.answered) all.push('complete_transfer', 'swap_parties', 'conference', 'cancel_consult');
      else all.push('complete_transfer', 'swap_parties', 'cancel_consult');
    }
    return all;
  }

  callState(call) {
    return {
      call_id: call.call_id, state: call.state, since: iso(call.since), ani: call.ani, dnis: '95512',
      queue: call.queue, agent_id: call.agent, recording_id: null, recording_paused: call.paused ?? null, guest: call.guest ?? null, outcome: call.outcome ?? null,
    };
  }

  queueState({ code }) {
    const waiting = [...this.calls.values()].filter((call) => call.queue === code && ['queued', 'offered', 'ringing'].includes(call.state));
    const first = Math.min(...waiting.map((call) => call.entered));
    const agents = { signed_out: 0, not_ready: 0, idle: 0, reserved: 0, ringing: 0, talking: 0, acw: 0 };
    for (const { status, state } of this.agents.values()) {
      agents[state !== 'idle' ? state : status === 'ready' ? 'idle' : status] += 1;
    }
    const longest_wait_ms = waiting.length > 0 ? Date.now() - first : 0;
    const callbacks = [...this.callbacks.values()].filter((queue) => queue === code).length;
    return { queue: code, waiting: waiting.length, callbacks, longest_wait_ms, longest_wait_since: waiting.length > 0 ? iso(first) : null, expected_wait: this.expectedWait(waiting.length, agents), agents, open: true };
  }

  expectedWait(waiting, { idle, talking, acw }) {
    if (idle > 0 && waiting === 0) return { median_ms: 0, p90_ms: 0 };
    const step = 180_000 / Math.max(1, idle + talking + acw);
    return { median_ms: step * (waiting + 0.7), p90_ms: step * (waiting + 1 + 1.3 * Math.sqrt(waiting + 1)) };
  }

  pop(call) {
    const { call_id, offer_id, ani, queue, lookup } = call;
    const found = lookup === 'found';
    return {
      call_id, offer_id, brought_by: call.brought?.by ?? null, transfer: call.brought?.transfer ?? null,
      ani, dnis: '95512', queue, waited_ms: call.offered - call.entered,
      ivr: { path: ['welcome', 'menu', queue === 'general' ? 'human' : queue], inputs: [{ node: 'menu', digits: '1' }] },
      callback: call.callback === true, lookup, customer: found ? call.card.customer : null, policies: found ? call.card.policies : [],
    };
  }

  snapshot(user, board) {
    const events = [];
    const me = this.agents.get(user);
    if (me) {
      events.push(['agent_state', this.agentState(me)]);
      if (me.call) events.push(['screen_pop', this.pop(me.call)], ['call_state', this.callState(me.call)]);
    }
    if (board) {
      for (const [alarm, detail] of this.alarms) events.push(['alarm', { alarm, raised: true, detail }]);
      for (const queue of QUEUES) events.push(['queue_state', this.queueState(queue)]);
      for (const [plan, on] of this.plans) events.push(['plan_state', { plan, on }]);
      for (const line of LINES) events.push(['trunk_state', line]);
      for (const agent of this.agents.values()) if (agent !== me) events.push(['agent_state', this.agentState(agent)]);
      for (const call of this.calls.values()) events.push(['call_state', this.callState(call)]);
    }
    return events;
  }

  // ---- what changes

  /** A desktop was opened, or is back: its agent is at work. */
  opened(user) {
    const agent = this.agents.get(user);
    if (agent?.status === 'signed_out') this.change(agent, { status: 'not_ready', reason: 'signed_in' });
  }

  change(agent, changes) {
    Object.assign(agent, { since: Date.now() }, changes);
    this.tell(agent.id, 'agent_state', this.agentState(agent));
    for (const queue of QUEUES) this.tell(null, 'queue_state', this.queueState(queue));
    if (this.auto && !agent.robot && agent.state === 'idle' && agent.status === 'ready') {
      agent.timer = setTimeout(() => this.ring(agent), this.pace.between);
    }
  }

  move(call, changes) {
    Object.assign(call, { since: Date.now() }, changes);
    if (call.state === 'ended') this.calls.delete(call.call_id);
    this.tell(null, 'call_state', this.callState(call));
    if (call.agent) this.tell(call.agent, 'call_state', this.callState(call));
    for (const queue of QUEUES) this.tell(null, 'queue_state', this.queueState(queue));
  }

  /** A caller dials in; with `agent` the call is meant for that one. */
  arrive({ lookup = 'found', policies, waited = 23_000, queue } = {}) {
    this.minted += 1;
    const card = customer(this.random, new Date().getFullYear(), policies);
    const now = Date.now();
    const call = {
      call_id: `c1-9-${this.minted}`, offer_id: `o1-9-${this.minted}`, state: 'menu', since: now,
      ani: card.ani, card, queue: queue ?? QUEUES[Math.floor(this.random() * 3)].code, agent: null,
      lookup: 'pending', willBe: lookup, entered: now - waited, offered: now,
    };
    this.calls.set(call.call_id, call);
    this.move(call, { state: 'menu' });
    return call;
  }

  /** The whole script for one agent. `until` stops it in that state. */
  ring(agent, { until = null, ...how } = {}) {
    if (agent.state !== 'idle' || agent.status !== 'ready') return;
    const call = this.arrive(how);
    Object.assign(call, { until, callback: how.callback === 'true' });
    Object.assign(call, { agent: agent.id, offered: Date.now() });
    this.move(call, { state: 'offered' });
    if (this.pace.lookup === 0) call.lookup = call.willBe;
    agent.call = call;
    this.tell(agent.id, 'screen_pop', this.pop(call));
    this.change(agent, { state: 'reserved' });
    if (call.lookup === 'pending' && how.lookup !== 'pending') {
      setTimeout(() => this.lookedUp(agent, call), this.pace.lookup);
    }
    if (until !== 'reserved') agent.timer = setTimeout(() => this.shown(agent, call), this.pace.pop);
  }

  lookedUp(agent, call) {
    call.lookup = call.willBe;
    const { call_id, lookup, customer: who, policies } = this.pop(call);
    this.tell(agent.id, 'screen_pop_update', { call_id, lookup, customer: who, policies });
  }

  shown(agent, call) {
    if (agent.call !== call || agent.state !== 'reserved' || call.until === 'reserved') return;
    clearTimeout(agent.timer);
    this.move(call, { state: 'ringing' });
    this.change(agent, { state: 'ringing' });
    if (call.until !== 'ringing') agent.timer = setTimeout(() => this.answered(agent, call), this.pace.ring);
  }

  answered(agent, call) {
    if (agent.call !== call) return;
    this.move(call, { state: 'talking' });
    this.change(agent, { state: 'talking' });
    if (call.until !== 'talking') agent.timer = setTimeout(() => this.ended(agent, call), this.pace.talk);
  }

  ended(agent, call) {
    if (agent.call !== call) return;
    clearTimeout(agent.timer);
    const talked = agent.state === 'talking';
    const waited = call.offered - call.entered;
    this.move(call, { state: 'ended', outcome: talked ? 'answered' : 'abandoned' });
    if (!talked) {
      agent.call = null;
      this.change(agent, { status: 'not_ready', reason: 'rejected', state: 'idle' });
      return;
    }
    const made = record(this.random, 2000 + this.minted, Date.now() - this.pace.talk - waited, 'answered');
    Object.assign(made, { call_id: call.call_id, ani: call.ani, queue: call.queue, agent_id: agent.id, disposition: null, talked_ms: this.pace.talk, waited_ms: waited });
    this.records.unshift(made);
    this.change(agent, { state: 'acw', acwUntil: Date.now() + this.pace.acw });
    if (call.until !== 'acw') agent.timer = setTimeout(() => this.wrapped(agent, null), this.pace.acw);
  }

  wrapped(agent, disposition) {
    clearTimeout(agent.timer);
    const made = this.records.find(({ call_id }) => call_id === agent.call?.call_id);
    if (made) made.disposition = disposition;
    const next = agent.next ?? 'ready';
    this.change(agent, { state: 'idle', call: null, acwUntil: null, status: next, reason: agent.nextReason, next: null, nextReason: null });
  }

  /** What a desktop asks: null, or why not. */
  command(user, type, data) {
    const agent = this.agents.get(user);
    if (!agent) return 'forbidden';
    if (type === 'pop_shown') {
      if (agent.call?.offer_id !== data.offer_id) return 'offer_over';
      this.shown(agent, agent.call);
      return null;
    }
    if (type === 'dial') return this.dial(agent, data.number);
    if (type === 'list_targets') return this.listTargets(agent, data.search ?? '');
    if (!this.allowed(agent).includes(type)) return 'not_allowed';
    const busy = ['reserved', 'ringing', 'talking'].includes(agent.state);
    switch (type) {
      case 'ready':
      case 'not_ready':
      case 'sign_out': {
        if (type === 'not_ready' && !REASONS.includes(data.reason)) return 'bad_reason';
        const status = type === 'sign_out' ? 'signed_out' : type;
        const reason = data.reason ?? null;
        clearTimeout(busy ? null : agent.timer);
        if (busy) this.change(agent, { next: status, nextReason: reason, since: agent.since });
        else this.change(agent, { status, reason, state: 'idle', call: null, acwUntil: null, next: null });
        return null;
      }
      case 'hang_up':
        this.ended(agent, agent.call);
        return null;
      case 'extend_acw':
        clearTimeout(agent.timer);
        agent.acwUntil += data.ms;
        this.change(agent, { since: agent.since });
        agent.timer = setTimeout(() => this.wrapped(agent, null), agent.acwUntil - Date.now());
        return null;
      case 'wrap_up':
        if (agent.call?.call_id !== data.call_id) return 'not_your_call';
        if (!DISPOSITIONS.some(({ code }) => code === data.disposition)) return 'bad_disposition';
        this.wrapped(agent, data.disposition);
        return null;
      case 'pause_recording':
      case 'resume_recording':
        this.move(agent.call, { paused: type === 'pause_recording' ? data.reason : null, since: agent.call.since });
        this.change(agent, { since: agent.since });
        return null;
      case 'transfer':
      case 'consult':
        return this.bring(agent, type === 'transfer' ? 'blind' : 'consult', data);
      case 'swap_parties':
        this.guest(agent, { with_caller: !agent.call.guest.with_caller });
        return null;
      case 'conference':
        this.guest(agent, { with_caller: true }, 'conference');
        return null;
      case 'cancel_consult':
        this.back(agent, 'taken_back');
        return null;
      case 'complete_transfer':
        this.handedOver(agent);
        return null;
      default:
        return 'invalid';
    }
  }

  /** Colleagues, queues and emergency numbers may be called by all; numbers outside by some. */
  dial(agent, number) {
    const inside = this.agents.has(number) || QUEUES.some(({ code }) => code === number);
    if (!inside && agent.id < '8010' && !['110', '119', '120'].includes(number)) return 'forbidden';
    if (agent.status === 'signed_out' || agent.state !== 'idle') return 'agent_not_idle';
    const call = this.arrive();
    Object.assign(call, { agent: agent.id, ani: number, queue: null });
    agent.call = call;
    this.move(call, { state: 'dialling' });
    this.change(agent, { state: 'talking' });
    return null;
  }

  // ---- giving a call away

  listTargets(agent, search) {
    const others = [...this.agents.values()].filter(({ id }) => id !== agent.id && id.includes(search));
    const agents = others.map(({ id, status, reason, state }) => (
      { agent_id: id, status, reason, state, available: status === 'ready' && state === 'idle' }
    ));
    agents.sort((a, b) => Number(b.available) - Number(a.available) || a.agent_id.localeCompare(b.agent_id));
    const queues = QUEUES.map((queue) => {
      const { waiting, agents: { idle } } = this.queueState(queue);
      return { queue: queue.code, waiting, idle };
    });
    this.tell(agent.id, 'targets', { search, agents: agents.slice(0, 50), queues, more: agents.length > 50 });
    return null;
  }

  /** Someone is brought in; a colleague of the mock answers after `pace.ring`, unless it is told otherwise. */
  bring(agent, transfer, { agent_id = null, number = null, queue = null }) {
    const { call } = agent;
    clearTimeout(agent.timer);
    if (queue !== null && transfer === 'blind') {
      this.released(agent);
      this.move(call, { state: 'queued', agent: null, queue });
      return null;
    }
    const colleague = agent_id === null ? null : this.agents.get(agent_id);
    if (agent_id !== null && !colleague) return 'unknown_target';
    if (colleague && !(colleague.status === 'ready' && colleague.state === 'idle')) return 'agent_not_available';
    if (colleague) this.change(colleague, { state: 'ringing' });
    const guest = { agent_id, number: number && `${number.slice(0, 3)}${'*'.repeat(Math.max(0, number.length - 5))}${number.slice(-2)}`, queue, by: agent.id, transfer, answered: false, with_caller: false };
    this.move(call, { state: transfer === 'blind' ? 'transferring' : 'consulting', guest });
    this.change(agent, { since: agent.since });
    call.timer = setTimeout(() => this.guestAnswers(agent), this.pace.ring);
    return null;
  }

  guestAnswers(agent) {
    const { guest } = agent.call ?? {};
    if (!guest || guest.answered) return;
    const colleague = this.agents.get(guest.agent_id);
    if (colleague) this.change(colleague, { state: 'talking' });
    this.guest(agent, { answered: true });
    if (guest.transfer === 'blind') this.handedOver(agent);
  }

  /** The guest changed. */
  guest(agent, changes, state = agent.call.state) {
    const { call } = agent;
    this.move(call, { guest: { ...call.guest, ...changes }, state, since: call.since });
    this.change(agent, { since: agent.since });
  }

  /** The caller is the agent's again. */
  back(agent, end) {
    const { call } = agent;
    const { agent_id, number, transfer } = call.guest;
    clearTimeout(call.timer);
    const colleague = this.agents.get(agent_id);
    if (colleague) this.change(colleague, { state: 'idle' });
    this.tell(agent.id, 'transfer_ended', { call_id: call.call_id, agent_id, number, transfer, end });
    this.move(call, { guest: null, state: 'talking' });
    this.change(agent, { since: agent.since });
  }

  handedOver(agent) {
    const { call } = agent;
    const { agent_id, number, transfer } = call.guest;
    clearTimeout(call.timer);
    this.tell(agent.id, 'transfer_ended', { call_id: call.call_id, agent_id, number, transfer, end: 'completed' });
    this.move(call, { guest: null, state: 'talking', agent: agent_id });
    this.released(agent);
  }

  /** The agent is out of a call that goes on. */
  released(agent) {
    this.change(agent, { state: 'acw', acwUntil: Date.now() + this.pace.acw });
    agent.timer = setTimeout(() => this.wrapped(agent, null), this.pace.acw);
  }

  /** An agent that only fills the board. */
  #robot(agent) {
    agent.robot = true;
    const states = ['idle', 'talking', 'talking', 'acw', 'idle', 'ringing'];
    const step = () => {
      if (agent.call) this.move(agent.call, { state: 'ended', outcome: 'answered' });
      const state = states[Math.floor(this.random() * states.length)];
      const call = state === 'talking' || state === 'ringing' ? this.arrive() : null;
      if (call) this.move(call, { state, agent: agent.id });
      const away = this.random() < 0.2;
      this.change(agent, {
        call, state: away ? 'idle' : state, status: away ? 'not_ready' : 'ready',
        reason: away ? REASONS[Math.floor(this.random() * REASONS.length)] : null,
      });
      if (away && call) this.move(call, { state: 'queued', agent: null });
      setTimeout(step, 8_000 + this.random() * 40_000).unref();
    };
    step();
  }
}
