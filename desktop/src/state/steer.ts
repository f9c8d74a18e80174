// What a supervisor may do with the floor: choices, and the command that each becomes. Pure.
import type { CallDetail } from '../api/wire';
import { markText, statusText } from '../components/StateMark';
import { instant, timeOfDay } from '../format/time';
import { phone } from '../format/value';
import type { Speech } from '../i18n/context';
import { REASONS } from './allowed';
import { compare } from './board';
import type { Names } from './names';
import type { Agent, Call, DeskState } from './reducer';

/** What `prefer_call` is asked for: as much as a call may be preferred in all. */
export const PREFER_MS = 3_600_000;

/** A list of choices: what it is about. */
export type Menu =
  | { of: 'call'; call: Call }
  | { of: 'move'; call: Call }
  | { of: 'assign'; call: Call }
  | { of: 'agent'; id: string }
  | { of: 'asks' }
  | { of: 'callbacks' };

/** A command, and the words that are shown before it is given. */
export interface Order {
  type: 'move_call' | 'assign_call' | 'prefer_call' | 'cancel_callback' | 'set_agent' | 'decide_reason' | 'switch_plan';
  data: Record<string, unknown>;
  said: string;
}

export interface Choice {
  key: string;
  title: string;
  about: string;
  can: boolean;
  then: Menu | Order;
}

/** Someone who is to be called back. */
export interface Standing {
  call: string;
  queue: string | null;
  number: string;
  booked: number;
  /** How often it was tried in vain. */
  missed: number;
}

/** The callback for which a call asked; null where it is over. */
export function standingOf({ call_id, ani, queue, arrived_at, timeline }: CallDetail): Standing | null {
  let standing = null as Standing | null;
  for (const fact of timeline) {
    if (fact.type === 'callback_booked') {
      const { queue: into, number } = fact;
      standing = {
        call: call_id,
        queue: typeof into === 'string' ? into : queue,
        number: typeof number === 'string' ? number : ani,
        booked: instant(fact.at) ?? instant(arrived_at) ?? 0,
        missed: 0,
      };
    } else if (fact.type === 'callback_missed' && standing) {
      standing = { ...standing, missed: standing.missed + 1 };
    } else if (fact.type === 'callback_ended') {
      standing = null;
    }
  }
  return standing;
}

/** Everyone who waits for a supervisor's word, by number: their places do not change. */
export function asking(agents: DeskState['agents']): Agent[] {
  return Object.values(agents)
    .filter(({ asks }) => asks !== null)
    .sort((a, b) => compare(a.id, b.id));
}

/** Whether a list is long enough to be narrowed by typing. */
export function isTyped(menu: Menu): boolean {
  return menu.of === 'move' || menu.of === 'assign';
}

/** What the choices are made of. */
export interface Floor {
  state: Pick<DeskState, 'agents' | 'queues'>;
  /** Agents in the order that they had when the list was opened: nothing moves under the hand. */
  order: readonly string[];
  callbacks: readonly Standing[];
  speech: Speech;
  names: Names;
}

/** What can be chosen of `menu`, as far as it contains `typed`. */
export function choicesOf(menu: Menu, typed: string, floor: Floor): Choice[] {
  switch (menu.of) {
    case 'call':
      return ofCall(menu.call, floor);
    case 'move':
      return matching(typed, queuesFor(menu.call, floor));
    case 'assign':
      return matching(typed, agentsFor(menu.call, floor));
    case 'agent':
      return ofAgent(floor.state.agents[menu.id] ?? null, floor);
    case 'asks':
      return asking(floor.state.agents).map((agent) => ({
        key: `agent-${agent.id}`,
        title: agent.id,
        about: floor.speech.t('steer.asks', { reason: floor.speech.name('reason', agent.asks ?? '') }),
        can: true,
        then: { of: 'agent', id: agent.id },
      }));
    case 'callbacks':
      return floor.callbacks.map((one) => ofCallback(one, floor));
  }
}

function matching(typed: string, choices: Choice[]): Choice[] {
  const wanted = typed.trim().toLowerCase();
  return choices.filter(({ key, title }) => `${key} ${title}`.toLowerCase().includes(wanted));
}

/** `138 **** **78（理赔报案）` */
export function callerOf(call: { ani: string; queue: string | null }, { speech, names }: Pick<Floor, 'speech' | 'names'>): string {
  return speech.t('steer.caller', { ani: phone(call.ani), queue: names.queue(call.queue) });
}

function ofCall(call: Call, floor: Floor): Choice[] {
  const { t } = floor.speech;
  const who = callerOf(call, floor);
  const data = { call_id: call.id, ms: PREFER_MS };
  return [
    { key: 'move', title: t('steer.move'), about: '', can: true, then: { of: 'move', call } },
    { key: 'assign', title: t('steer.assign'), about: '', can: true, then: { of: 'assign', call } },
    {
      key: 'prefer',
      title: t('steer.prefer'),
      about: '',
      can: true,
      then: { type: 'prefer_call', data, said: t('steer.prefer_said', { who }) },
    },
  ];
}

function queuesFor(call: Call, floor: Floor): Choice[] {
  const { t } = floor.speech;
  const queues = Object.values(floor.state.queues).sort((a, b) => compare(a.id, b.id));
  return queues.map(({ id, waiting, agents, open }) => ({
    key: `queue-${id}`,
    title: floor.names.queue(id),
    about: open ? t('move.waiting', { count: waiting, idle: agents.idle }) : t('board.closed'),
    can: id !== call.queue,
    then: {
      type: 'move_call',
      data: { call_id: call.id, queue: id },
      said: t('steer.move_said', { who: callerOf(call, floor), queue: floor.names.queue(id) }),
    },
  }));
}

function agentsFor(call: Call, { state, order, speech, names }: Floor): Choice[] {
  const agents = order.map((id) => state.agents[id]).filter((agent) => agent !== undefined);
  return agents.map((agent) => ({
    key: `agent-${agent.id}`,
    title: agent.id,
    about: markText(agent, speech),
    can: agent.status === 'ready',
    then: {
      type: 'assign_call',
      data: { call_id: call.id, agent_id: agent.id },
      said: speech.t('steer.assign_said', { who: callerOf(call, { speech, names }), agent: agent.id }),
    },
  }));
}

function ofAgent(agent: Agent | null, { speech }: Floor): Choice[] {
  if (!agent) return [];
  return [...decisions(agent, speech), ...statuses(agent, speech)];
}

function decisions({ id, asks }: Agent, speech: Speech): Choice[] {
  if (asks === null) return [];
  const reason = speech.name('reason', asks);
  return [true, false].map((approved) => {
    const word = approved ? 'approve' : 'decline';
    return {
      key: word,
      title: speech.t(`steer.${word}`, { reason }),
      about: '',
      can: true,
      then: {
        type: 'decide_reason',
        data: { agent_id: id, approved },
        said: speech.t(`steer.${word}_said`, { who: id, reason }),
      },
    };
  });
}

function statuses(agent: Agent, speech: Speech): Choice[] {
  const busy = agent.state !== 'idle';
  const choice = (status: Agent['status'], reason: string | null): Choice => {
    const word = statusText(status, reason, speech);
    const is = agent.status === status && agent.next === null && (status !== 'not_ready' || agent.reason === reason);
    const said = speech.t(busy ? 'steer.set_after' : 'steer.set_said', { who: agent.id, status: word });
    const data = { agent_id: agent.id, status, ...(reason ? { reason } : {}) };
    return {
      key: reason ?? status,
      title: word,
      about: is ? speech.t('steer.is') : '',
      can: !is,
      then: { type: 'set_agent', data, said },
    };
  };
  return [choice('ready', null), ...REASONS.map((reason) => choice('not_ready', reason)), choice('signed_out', null)];
}

function ofCallback(one: Standing, floor: Floor): Choice {
  const { t } = floor.speech;
  const who = callerOf({ ani: one.number, queue: one.queue }, floor);
  return {
    key: `callback-${one.call}`,
    title: who,
    about: [timeOfDay(one.booked), ...(one.missed > 0 ? [t('steer.missed', { count: one.missed })] : [])].join(' · '),
    can: true,
    then: { type: 'cancel_callback', data: { call_id: one.call }, said: t('steer.cancel_said', { who }) },
  };
}
