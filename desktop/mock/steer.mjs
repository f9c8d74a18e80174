// What a supervisor may do in the pretended call center, with the engine's refusals.
import { iso, record } from './data.mjs';
import { QUEUES } from './world.mjs';

export const STEERING = new Set(['move_call', 'assign_call', 'prefer_call', 'cancel_callback', 'set_agent', 'decide_reason', 'switch_plan']);

const REASONS = ['break', 'meal', 'training', 'meeting', 'back_office'];
const MOST_MS = 3_600_000;

/** Null where it was done, else why not. */
export function steer(world, type, data) {
  switch (type) {
    case 'move_call':
    case 'assign_call':
    case 'prefer_call':
      return ofCall(world, type, data);
    case 'cancel_callback':
      return cancelled(world, data.call_id);
    case 'switch_plan':
      if (!world.plans.has(data.plan)) return 'unknown_plan';
      world.plans.set(data.plan, data.on);
      world.tell(null, 'plan_state', { plan: data.plan, on: data.on });
      return null;
    default:
      return ofAgent(world, type, data);
  }
}

function ofCall(world, type, data) {
  const call = world.calls.get(data.call_id);
  if (call?.state === 'offered' || call?.state === 'ringing') return 'being_offered';
  if (call?.state !== 'queued') return 'not_waiting';
  if (type === 'move_call') {
    if (data.queue === call.queue) return 'bad_target';
    if (!QUEUES.some(({ code }) => code === data.queue)) return 'unknown_target';
    world.move(call, { queue: data.queue, since: call.since });
  } else if (type === 'assign_call') {
    const agent = world.agents.get(data.agent_id);
    if (!agent) return 'unknown_target';
    if (agent.status !== 'ready') return 'agent_not_available';
    call.assigned = data.agent_id;
  } else {
    if (!(data.ms >= 1 && data.ms <= MOST_MS)) return 'bad_duration';
    world.move(call, { since: call.since - data.ms, entered: call.entered - data.ms });
  }
  return null;
}

function ofAgent(world, type, { agent_id, status, reason = null, approved }) {
  const agent = world.agents.get(agent_id);
  if (!agent) return 'unknown_agent';
  if (type === 'decide_reason') {
    if (!agent.asks) return 'nothing_asked';
    const asked = agent.asks;
    agent.asks = null;
    if (approved) become(world, agent, 'not_ready', asked);
    else world.change(agent, { since: agent.since });
    return null;
  }
  if (status === 'not_ready' && !REASONS.includes(reason)) return 'bad_reason';
  if (status === 'ready' && agent.reachable === false) return 'phone_unreachable';
  become(world, agent, status, reason);
  return null;
}

function become(world, agent, status, reason) {
  const busy = ['reserved', 'ringing', 'talking'].includes(agent.state);
  if (busy) world.change(agent, { next: status, nextReason: reason, since: agent.since });
  else world.change(agent, { status, reason, state: 'idle', call: null, acwUntil: null, next: null });
}

/** A call that ended because its caller would rather be called back. */
export function askToBeCalledBack(world, queue, missed) {
  world.minted += 1;
  const made = record(world.random, 3000 + world.minted, Date.now() - 60_000, 'called_back');
  const fact = (type, fields, seq) => ({ seq: 100 + seq, at: iso(Date.now() - 30_000 + seq), type, ...fields });
  made.queue = queue;
  made.timeline.push(fact('callback_booked', { queue, number: made.ani }, 0));
  for (let nth = 1; nth <= missed; nth += 1) made.timeline.push(fact('callback_missed', { attempt: nth, missed: 'no_answer' }, nth));
  world.records.unshift(made);
  world.callbacks.set(made.call_id, queue);
  tellQueues(world);
}

function cancelled(world, call_id) {
  if (!world.callbacks.delete(call_id)) return 'no_callback';
  const made = world.records.find((one) => one.call_id === call_id);
  made.timeline.push({ seq: 200, at: iso(Date.now()), type: 'callback_ended', callback_end: 'cancelled' });
  tellQueues(world);
  return null;
}

function tellQueues(world) {
  for (const queue of QUEUES) world.tell(null, 'queue_state', world.queueState(queue));
}
