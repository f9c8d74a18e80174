// What the live board shows, computed from the state. Pure.
import { MARKS, markOf, type Mark } from './marks';
import type { Agent, Call, DeskState, Queue } from './reducer';

/** More calls than this are counted, not listed. */
export const CALLS_SHOWN = 200;

export interface Totals {
  waiting: number;
  longestSince: number | null;
  agents: Readonly<Record<Mark, number>>;
  calls: number;
}

/** The figures above the board. An agent is counted once, however many queues they serve. */
export function totals({ queues, agents, calls }: DeskState): Totals {
  const counts = Object.fromEntries(MARKS.map((mark) => [mark, 0])) as Record<Mark, number>;
  for (const agent of Object.values(agents)) counts[markOf(agent)] += 1;
  let waiting = 0;
  let longestSince: number | null = null;
  for (const queue of Object.values(queues)) {
    waiting += queue.waiting;
    longestSince = earlier(longestSince, queue.longestSince);
  }
  return { waiting, longestSince, agents: counts, calls: Object.keys(calls).length };
}

function earlier(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

/** Queues by their names: their places never change. */
export function queuesInOrder(queues: DeskState['queues'], order: readonly string[]): Queue[] {
  const place = (id: string): number => (order.includes(id) ? order.indexOf(id) : order.length);
  return Object.values(queues).sort((a, b) => place(a.id) - place(b.id) || compare(a.id, b.id));
}

/** Agents by number: their places never change; those who signed out come last. */
export function agentsInOrder(agents: DeskState['agents']): Agent[] {
  const out = (agent: Agent): number => Number(markOf(agent) === 'signed_out');
  return Object.values(agents).sort((a, b) => out(a) - out(b) || compare(a.id, b.id));
}

/** Agents as they are offered a call: those who are free first, then those who take calls at all. */
export function agentsByUse(agents: DeskState['agents']): string[] {
  const place = (agent: Agent): number => (markOf(agent) === 'ready' ? 0 : agent.status === 'ready' ? 1 : 2);
  const all = Object.values(agents).sort((a, b) => place(a) - place(b) || compare(a.id, b.id));
  return all.map(({ id }) => id);
}

/** Where each state stands; whoever waits for somebody stands first. */
const CALL_ORDER: Readonly<Record<Call['state'], number>> = {
  queued: 0,
  offered: 1,
  ringing: 2,
  menu: 3,
  dialling: 4,
  transferring: 5,
  consulting: 6,
  conference: 7,
  talking: 8,
  ended: 9,
};

/** Calls that wait first, the longest waiting at the top. */
export function callsInOrder(calls: DeskState['calls']): Call[] {
  const place = (call: Call): number => CALL_ORDER[call.state];
  return Object.values(calls).sort(
    (a, b) => place(a) - place(b) || a.since - b.since || compare(a.id, b.id),
  );
}

/** By number where there are numbers: `8002` before `8010`. */
export function compare(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
