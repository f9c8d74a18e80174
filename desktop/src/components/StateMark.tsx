// The state of an agent: one word, one colour and one shape, so that none of them is needed alone.
import type { Speech } from '../i18n/context';
import { markOf, type Mark } from '../state/marks';
import type { Agent } from '../state/reducer';

/** `空闲`, `示忙 · 小休`, `通话中`. */
export function markText(agent: Pick<Agent, 'status' | 'state' | 'reason'>, speech: Speech): string {
  const mark = markOf(agent);
  if (mark === 'ready') return speech.t('state.idle');
  if (agent.state === 'idle') return statusText(agent.status, agent.reason, speech);
  return speech.name('state', mark);
}

/** `示忙 · 小休`, `示闲`. */
export function statusText(status: Agent['status'], reason: string | null, speech: Speech): string {
  const word = speech.name('status', status);
  return status === 'not_ready' && reason ? `${word} · ${speech.name('reason', reason)}` : word;
}

const SHAPES: Readonly<Record<Mark, string>> = {
  ready: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13z',
  reserved: 'M8 1l7 7-7 7-7-7z',
  ringing: 'M8 1l7 7-7 7-7-7z',
  talking:
    'M3.6 1.3l2.2.2 1.1 3.2-1.4 1.3c.7 1.7 1.9 2.9 3.6 3.6l1.3-1.4 3.2 1.1.2 2.2c0 1.1-.9 1.9-2 1.9C6.1 13.4 2.6 9.9 1.7 3.3c0-1.1.8-2 1.9-2z',
  acw: 'M2 14l.8-3.6 8-8a1.7 1.7 0 0 1 2.4 0l.4.4a1.7 1.7 0 0 1 0 2.4l-8 8z',
  not_ready: 'M3 2h3.700v12H3zM9.3 2H13v12H9.3z',
  signed_out: 'M8 1.5a6.5 6.5 0 1 0 0 13a6.5 6.5 0 0 0 0-13zm0 2.2a4.3 4.3 0 1 1 0 8.6a4.3 4.3 0 0 1 0-8.6z',
};

export function StateMark({ mark, size = 16 }: { mark: Mark; size?: number }) {
  return (
    <svg className={`mark mark-${mark}`} width={size} height={size} viewBox="0 0 16 16" aria-hidden>
      <path d={SHAPES[mark]} fillRule="evenodd" />
    </svg>
  );
}
