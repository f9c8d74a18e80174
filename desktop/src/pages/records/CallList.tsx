// The calls that were found, a page at a time.
import { Button } from 'antd';
import { useEffect, useRef } from 'react';

import type { CallRecord } from '../../api/wire';
import { clock, dateTime, instant } from '../../format/time';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { useNames } from '../../state/names';
import type { Calls } from './useCalls';

interface Props {
  calls: Calls;
  chosen: string | null;
  onChoose(id: string): void;
}

export function CallList({ calls, chosen, onChoose }: Props) {
  const { t, name } = useSpeech();
  return (
    <section className="card call-list" data-testid="call-list" aria-busy={calls.busy}>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th className="col-when">{t('rec.time')}</th>
              <th className="col-ani">{t('pop.ani')}</th>
              <th>{t('rec.queue')}</th>
              <th className="col-agent">{t('board.agent')}</th>
              <th className="col-outcome">{t('rec.outcome')}</th>
              <th className="col-dur">{t('rec.wait')}</th>
              <th className="col-dur">{t('rec.talk')}</th>
              <th>{t('rec.disposition')}</th>
              <th className="col-rec">{t('rec.recording')}</th>
            </tr>
          </thead>
          <tbody>
            {calls.items.map((call) => (
              <Row
                key={call.call_id}
                call={call}
                chosen={call.call_id === chosen}
                onChoose={() => onChoose(call.call_id)}
              />
            ))}
          </tbody>
        </table>
        {!calls.busy && !calls.failed && calls.items.length === 0 && (
          <p className="empty">{t('rec.empty')}</p>
        )}
        {calls.failed && (
          <p className="empty failed" role="alert">
            {name('error', calls.failed)}
          </p>
        )}
      </div>
      <footer>
        <span>{t('rec.page', { page: calls.page, count: calls.items.length })}</span>
        <Button size="small" disabled={calls.page <= 1 || calls.busy} onClick={calls.previous}>
          {t('rec.prev')}
        </Button>
        <Button size="small" disabled={!calls.more || calls.busy} onClick={calls.next} data-testid="next-page">
          {t('rec.next')}
        </Button>
      </footer>
    </section>
  );
}

function Row({ call, chosen, onChoose }: { call: CallRecord; chosen: boolean; onChoose(): void }) {
  const { t, name } = useSpeech();
  const names = useNames();
  const row = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  return (
    <tr
      ref={row}
      className={chosen ? 'chosen' : ''}
      aria-selected={chosen}
      data-call={call.call_id}
      data-recorded={call.recordings.length > 0}
      onClick={onChoose}
    >
      <td>{dateTime(instant(call.arrived_at)).slice(5)}</td>
      <td>{phone(call.ani)}</td>
      <td>{names.queue(call.queue)}</td>
      <td>{call.agent_id ?? '–'}</td>
      <td>
        <span className={`outcome outcome-${call.outcome}`}>{name('outcome', call.outcome)}</span>
      </td>
      <td className="money">{call.waited_ms === null ? '–' : clock(call.waited_ms)}</td>
      <td className="money">{call.talked_ms === null ? '–' : clock(call.talked_ms)}</td>
      <td title={call.disposition ? names.disposition(call.disposition) : undefined}>
        {names.disposition(call.disposition)}
      </td>
      <td className="has-rec">
        {call.recordings.length > 0 && (
          <svg width="14" height="14" viewBox="0 0 16 16" role="img" aria-label={t('rec.has_recording')}>
            <path d="M4 2.5l9 5.5-9 5.5z" />
          </svg>
        )}
      </td>
    </tr>
  );
}
