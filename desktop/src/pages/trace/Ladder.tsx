// The ladder: three lines, an arrow for each message. Each row is a button; the arrow keys move.
import { useRef, type KeyboardEvent } from 'react';

import type { CallTrace, TraceItem } from '../../api/wire';
import { useSpeech } from '../../i18n/context';

interface Props {
  id: string | null;
  trace: CallTrace | null;
  failed: string | null;
  chosen: number;
  onChoose(nth: number): void;
}

export function Ladder({ id, trace, failed, chosen, onChoose }: Props) {
  const { t, name } = useSpeech();
  const rows = useRef<HTMLOListElement>(null);
  if (failed) return <p className="empty failed">{name('error', failed)}</p>;
  if (id === null) return <p className="empty">{t('trace.choose')}</p>;
  if (!trace) return <p className="empty" />;
  if (!trace.enabled) return <p className="empty">{t('trace.off')}</p>;
  if (trace.items.length === 0) return <p className="empty">{t('trace.none')}</p>;
  const move = (event: KeyboardEvent): void => {
    const to = nextRow(event.key, chosen, trace.items.length);
    if (to === null) return;
    event.preventDefault();
    onChoose(to);
    rows.current?.querySelectorAll('button')[to]?.focus();
  };
  const began = trace.items[0]?.mono_us ?? 0;
  const several = agentsOf(trace).length > 1;
  return (
    <div className="scroll">
      <Heads trace={trace} />
      <ol ref={rows} onKeyDown={move}>
        {trace.items.map((item, nth) => (
          <li key={nth}>
            <Row item={item} after={item.mono_us - began} several={several} chosen={nth === chosen} onChoose={() => onChoose(nth)} />
          </li>
        ))}
        <Notes trace={trace} />
      </ol>
    </div>
  );
}

/** Where a key leads from row `at` of `count`; null if nowhere. */
export function nextRow(key: string, at: number, count: number): number | null {
  switch (key) {
    case 'ArrowDown':
      return Math.min(count - 1, at + 1);
    case 'ArrowUp':
      return Math.max(0, at - 1);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}

/** The agents whose phones took part, each once. */
export function agentsOf(trace: CallTrace): string[] {
  return [...new Set(trace.items.map((item) => item.agent_id).filter((agent) => agent !== null))];
}

function Heads({ trace }: { trace: CallTrace }) {
  const { t } = useSpeech();
  const agents = agentsOf(trace);
  const address = (leg: TraceItem['leg']): string => trace.items.find((item) => item.leg === leg)?.remote ?? '';
  const phone = agents.length > 1 ? '' : address('agent');
  return (
    <div className="ladder-heads">
      <span>
        <b>{t('trace.caller')}</b>
        <small>{address('caller')}</small>
      </span>
      <span>
        <b>{t('trace.hotline')}</b>
        <small>{trace.items[0]?.local}</small>
      </span>
      <span>
        <b>
          {t('trace.agent')} {agents.length === 1 ? agents[0] : ''}
        </b>
        <small>{phone}</small>
      </span>
    </div>
  );
}

interface RowProps {
  item: TraceItem;
  after: number;
  several: boolean;
  chosen: boolean;
  onChoose(): void;
}

function Row({ item, after, several, chosen, onChoose }: RowProps) {
  const { t } = useSpeech();
  const right = (item.leg === 'caller') === (item.direction === 'in');
  const words = item.malformed ? t('trace.malformed') : item.summary;
  const label = several && item.agent_id ? `${item.agent_id} ${words}` : words;
  const arrow = (
    <span className={`arrow arrow-${right ? 'right' : 'left'} ${kindOf(item)}`} data-arrow={right ? 'right' : 'left'}>
      <span className="label">{label}</span>
    </span>
  );
  return (
    <button type="button" className={chosen ? 'chosen' : ''} aria-pressed={chosen} tabIndex={chosen ? 0 : -1} onClick={onChoose}>
      <time>{offset(after)}</time>
      <span className="lane">{item.leg === 'caller' && arrow}</span>
      <span className="lane">{item.leg === 'agent' && arrow}</span>
      <span className="took">{item.took_us === null ? '' : took(item.took_us)}</span>
    </button>
  );
}

function Notes({ trace }: { trace: CallTrace }) {
  const { t } = useSpeech();
  return (
    <>
      {!trace.complete && <li className="note">{t('trace.incomplete')}</li>}
      {trace.cut && <li className="note">{t('trace.cut')}</li>}
    </>
  );
}

/** How a message is coloured: requests, answers that go on or succeed, and failures. */
export function kindOf(item: Pick<TraceItem, 'status' | 'malformed'>): string {
  if (item.malformed) return 'is-failure';
  if (item.status === null) return 'is-request';
  if (item.status < 200) return 'is-progress';
  return item.status < 300 ? 'is-success' : 'is-failure';
}

/** `+1.234`: seconds since the first message. */
export function offset(us: number): string {
  return `+${(Math.max(0, us) / 1_000_000).toFixed(3)}`;
}

/** `12.3 ms`, `3.67 s`. */
export function took(us: number): string {
  return us < 1_000_000 ? `${(us / 1000).toFixed(1)} ms` : `${(us / 1_000_000).toFixed(2)} s`;
}
