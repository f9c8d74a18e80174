// Status and state of an agent in one: what the agent is doing, or else what the agent chose.
import type { Agent } from './reducer';

export type Mark = 'signed_out' | 'not_ready' | 'ready' | 'reserved' | 'ringing' | 'talking' | 'acw';

/** Every mark, in the order of a board: who can help first. */
export const MARKS: readonly Mark[] = [
  'ready',
  'reserved',
  'ringing',
  'talking',
  'acw',
  'not_ready',
  'signed_out',
];

export function markOf(agent: Pick<Agent, 'status' | 'state'>): Mark {
  return agent.state === 'idle' ? agent.status : agent.state;
}
