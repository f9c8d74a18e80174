// Calls in progress, those that wait first.
import { Timer } from '../../components/Timer';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { CALLS_SHOWN, callsInOrder } from '../../state/board';
import { useDesk, useSession } from '../../state/context';
import { useNames } from '../../state/names';
import type { Call } from '../../state/reducer';
import { useSignal } from '../../state/signal';
import { callerOf, type Menu } from '../../state/steer';
import { moveByArrow } from './useArrows';
import { BOARD_KEYS } from './useSteering';

/** `onSteer` opens what may be done with a waiting call; null for who may not. */
export function CallTable({ onSteer = null }: { onSteer?: ((menu: Menu) => void) | null }) {
  const { t, name } = useSpeech();
  const names = useNames();
  const calls = callsInOrder(useDesk((state) => state.calls));
  const session = useSession();
  const done = useSignal(session.steered);
  const traces = session.identity.permissions.includes('call.trace');
  const more = calls.length - CALLS_SHOWN;
  return (
    <section className="card calls" data-testid="calls">
      <header>
        <h2>{t('board.calls')}</h2>
        {onSteer && <kbd>{BOARD_KEYS.calls}</kbd>}
        <span className="steered" role="status" data-testid="steered" title={done ?? ''}>
          {done && t('steer.done', { said: done })}
        </span>
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
              {onSteer && <th className="col-steer" />}
              {traces && <th className="col-trace" />}
            </tr>
          </thead>
          <tbody onKeyDown={moveByArrow}>
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
                {onSteer && (
                  <td className="col-steer">{call.state === 'queued' && <SteerButton call={call} onSteer={onSteer} />}</td>
                )}
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

function SteerButton({ call, onSteer }: { call: Call; onSteer(menu: Menu): void }) {
  const speech = useSpeech();
  const names = useNames();
  return (
    <button
      type="button"
      className="steer-open"
      data-steer={call.id}
      aria-label={speech.t('steer.open', { who: callerOf(call, { speech, names }) })}
      onClick={() => onSteer({ of: 'call', call })}
    >
      {speech.t('steer.title')}
    </button>
  );
}
