// Calls in progress, those that wait first.
import { Timer } from '../../components/Timer';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { CALLS_SHOWN, callsInOrder } from '../../state/board';
import { useDesk, useSession } from '../../state/context';
import { useNames } from '../../state/names';

export function CallTable() {
  const { t, name } = useSpeech();
  const names = useNames();
  const calls = callsInOrder(useDesk((state) => state.calls));
  const traces = useSession().identity.permissions.includes('call.trace');
  const more = calls.length - CALLS_SHOWN;
  return (
    <section className="card calls" data-testid="calls">
      <header>
        <h2>{t('board.calls')}</h2>
        <span className="count">{calls.length || ''}</span>
      </header>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th className="col-state">{t('board.state')}</th>
              <th className="col-time">{t('board.duration')}</th>
              <th>{t('board.caller')}</th>
              <th>{t('board.queue')}</th>
              <th>{t('board.agent')}</th>
              {traces && <th className="col-trace" />}
            </tr>
          </thead>
          <tbody>
            {calls.slice(0, CALLS_SHOWN).map((call) => (
              <tr key={call.id} data-call={call.id}>
                <td>
                  <span className={`phase phase-${call.state}`}>{name('call', call.state)}</span>
                </td>
                <td className="time">
                  <Timer since={call.since} />
                </td>
                <td>{phone(call.ani)}</td>
                <td>{names.queue(call.queue)}</td>
                <td>{call.agent ?? '–'}</td>
                {traces && (
                  <td className="col-trace">
                    <a href={`#/trace/${call.id}`} title={t('trace.open')} aria-label={`${t('trace.open')} ${call.id}`}>
                      ⇄
                    </a>
                  </td>
                )}
              </tr>
            ))}
          </tbody>
        </table>
        {more > 0 && <p className="empty">{t('board.more', { count: more })}</p>}
        {calls.length === 0 && <p className="empty">{t('board.no_calls')}</p>}
      </div>
    </section>
  );
}
