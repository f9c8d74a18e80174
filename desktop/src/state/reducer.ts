// What the desktop knows, as a pure fold over the server's events.

import type {
  Action,
  AgentActivity,
  AgentStateData,
  AgentTotals,
  AlarmData,
  CallActivity,
  CallStateData,
  EventFrame,
  GuestData,
  QueueStateData,
  ScreenPopData,
  ScreenPopUpdateData,
  Status,
  TargetsData,
  TransferEndedData,
  PlanStateData,
  TrunkStateData,
} from '../api/wire';
import { instant } from '../format/time';

export interface Agent {
  id: string;
  status: Status;
  reason: string | null;
  state: AgentActivity;
  /** When status or state last changed, in the server's time. */
  since: number;
  next: Status | null;
  nextReason: string | null;
  allowed: readonly Action[];
  /** The call that the agent is busy with. */
  call: string | null;
  /** When after-call work ends by itself. */
  acwUntil: number | null;
  phoneReachable: boolean;
  /** The reason for which the agent asks to be not ready, while nobody has decided. */
  asks: string | null;
}

export interface Queue {
  id: string;
  waiting: number;
  /** Those beside them who are called back when their turn comes. */
  callbacks: number;
  longestSince: number | null;
  /** What a newcomer is likely to wait, in milliseconds: the median and the ninetieth percentile. */
  expected: [number, number] | null;
  agents: AgentTotals;
  open: boolean;
}

export interface Call {
  id: string;
  state: CallActivity;
  since: number;
  ani: string;
  dnis: string;
  queue: string | null;
  agent: string | null;
  /** Who is brought in beside caller and agent. */
  guest: GuestData | null;
  /** Why silence is recorded now; null where voices are. */
  paused: CallStateData['recording_paused'];
  /** The connection that last spoke of it. */
  link: number;
}

/** A line to a carrier or a branch. */
export interface Line {
  id: string;
  calls: number;
  /** Calls that were refused since the engine's start. */
  refused: number;
  targets: number;
  reachable: number;
  registered: boolean | null;
  /** When one of its targets answered last, in the server's time. */
  answeredAt: number | null;
}

export interface Pop extends ScreenPopData {
  /** When it arrived, in the server's time. */
  at: number;
}

/** Something that is wrong. */
export interface Alarm {
  detail: string;
  /** The connection that last spoke of it. */
  link: number;
}

export interface DeskState {
  agents: Readonly<Record<string, Agent>>;
  queues: Readonly<Record<string, Queue>>;
  calls: Readonly<Record<string, Call>>;
  alarms: Readonly<Record<string, Alarm>>;
  lines: Readonly<Record<string, Line>>;
  /** Emergency plans, and whether each is on. */
  plans: Readonly<Record<string, boolean>>;
  /** The caller on this agent's screen: from the offer until the agent is idle again. */
  pop: Pop | null;
  /** To whom a call can be given, as it was asked for last. */
  targets: TargetsData | null;
  /** What became of bringing someone into the call on the screen. */
  moved: TransferEndedData | null;
  /** Counts the connections that began with a snapshot. */
  link: number;
}

export const NOTHING: DeskState = {
  agents: {}, queues: {}, calls: {}, alarms: {}, lines: {}, plans: {}, pop: null, targets: null, moved: null, link: 0,
};

/**
 * The state after `frame`, as the user `me` sees it. Who has no board is told of a call as long as
 * it is theirs, and not how it ends with someone else: they forget it when they leave it.
 */
export function reduce(state: DeskState, frame: EventFrame, me: string, board = false): DeskState {
  const at = instant(frame.at) ?? 0;
  switch (frame.type) {
    case 'agent_state':
      return withAgent(state, frame.data as AgentStateData, at, { me, board });
    case 'queue_state':
      return withQueue(state, frame.data as QueueStateData);
    case 'call_state':
      return withCall(state, frame.data as CallStateData, at);
    case 'screen_pop':
      return { ...state, pop: { ...(frame.data as ScreenPopData), at }, moved: null };
    case 'targets':
      return { ...state, targets: frame.data as TargetsData };
    case 'transfer_ended':
      return { ...state, moved: frame.data as TransferEndedData };
    case 'screen_pop_update':
      return withUpdate(state, frame.data as ScreenPopUpdateData);
    case 'trunk_state':
      return withLine(state, frame.data as TrunkStateData);
    case 'plan_state': {
      const { plan, on } = frame.data as PlanStateData;
      return { ...state, plans: { ...state.plans, [plan]: on } };
    }
    case 'alarm':
      return withAlarm(state, frame.data as AlarmData);
    default:
      return state; // a newer server may say more than we understand
  }
}

/** A snapshot is about to come: what it does not speak of is over. */
export function expectSnapshot(state: DeskState): DeskState {
  return { ...state, link: state.link + 1 };
}

/** The snapshot has come: drops the calls and alarms that it did not speak of. */
export function dropUnconfirmed(state: DeskState): DeskState {
  const calls = ofLink(state.calls, state.link);
  const alarms = ofLink(state.alarms, state.link);
  return calls === state.calls && alarms === state.alarms ? state : { ...state, calls, alarms };
}

function ofLink<T extends { link: number }>(all: Readonly<Record<string, T>>, link: number): typeof all {
  const kept = Object.entries(all).filter(([, one]) => one.link === link);
  return kept.length === Object.keys(all).length ? all : Object.fromEntries(kept);
}

function withAgent(
  state: DeskState,
  data: AgentStateData,
  at: number,
  { me, board }: { me: string; board: boolean },
): DeskState {
  const agent: Agent = {
    id: data.agent_id,
    status: data.status,
    reason: data.reason,
    state: data.state,
    since: instant(data.since) ?? at,
    next: data.next_status,
    nextReason: data.next_reason,
    allowed: data.allowed,
    call: data.call_id,
    acwUntil: instant(data.acw_until),
    phoneReachable: data.phone_reachable,
    asks: data.asks ?? null,
  };
  const agents = { ...state.agents, [agent.id]: agent };
  const busyWith = agent.state === 'idle' ? null : (data.call_id ?? state.pop?.call_id ?? null);
  const over = agent.id === me && state.pop !== null && state.pop.call_id !== busyWith;
  const left = agent.id === me && !board ? (state.agents[me]?.call ?? null) : null;
  const calls = left === null || left === agent.call ? state.calls : without(state.calls, left);
  return { ...state, agents, calls, pop: over ? null : state.pop };
}

function without(calls: DeskState['calls'], id: string): DeskState['calls'] {
  const { [id]: _gone, ...others } = calls;
  return others;
}

function withQueue(state: DeskState, data: QueueStateData): DeskState {
  const { queue: id, waiting, callbacks = 0, agents, open } = data;
  const wait = data.expected_wait;
  const expected: Queue['expected'] = wait ? [wait.median_ms, wait.p90_ms] : null;
  const queue: Queue = { id, waiting, callbacks, longestSince: instant(data.longest_wait_since), expected, agents, open };
  return { ...state, queues: { ...state.queues, [id]: queue } };
}

function withCall(state: DeskState, data: CallStateData, at: number): DeskState {
  if (data.state === 'ended') {
    return { ...state, calls: without(state.calls, data.call_id) };
  }
  const call: Call = {
    id: data.call_id,
    state: data.state,
    since: instant(data.since) ?? at,
    ani: data.ani,
    dnis: data.dnis,
    queue: data.queue,
    agent: data.agent_id,
    guest: data.guest,
    paused: data.recording_paused,
    link: state.link,
  };
  // Whoever is brought in next: what became of the last one is over.
  const moved = call.guest && state.moved?.call_id === call.id ? null : state.moved;
  return { ...state, calls: { ...state.calls, [call.id]: call }, moved };
}

function withLine(state: DeskState, data: TrunkStateData): DeskState {
  const { trunk: id, calls, refused, targets, reachable, registered } = data;
  const answeredAt = instant(data.answered_at);
  const line: Line = { id, calls, refused, targets, reachable, registered, answeredAt };
  return { ...state, lines: { ...state.lines, [id]: line } };
}

function withUpdate(state: DeskState, data: ScreenPopUpdateData): DeskState {
  const { pop } = state;
  if (!pop || pop.call_id !== data.call_id) return state;
  const { lookup, customer, policies } = data;
  return { ...state, pop: { ...pop, lookup, customer, policies } };
}

function withAlarm(state: DeskState, data: AlarmData): DeskState {
  const { [data.alarm]: _over, ...others } = state.alarms;
  const alarm: Alarm = { detail: data.detail, link: state.link };
  return { ...state, alarms: data.raised ? { ...others, [data.alarm]: alarm } : others };
}
