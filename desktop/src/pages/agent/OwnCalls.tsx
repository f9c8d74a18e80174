// The agent's latest calls, read again when one has ended or was wrapped up.
import { useEffect, useState } from 'react';

import type { CallRecord } from '../../api/wire';
import { clock, day, instant, timeOfDay } from '../../format/time';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { useMe, useSession } from '../../state/context';
import { useNames } from '../../state/names';

/** How many are listed. */
const SHOWN = 20;

export function OwnCalls() {
  const session = useSession();
  const { t, name } = useSpeech();
  const names = useNames();
  const [calls, setCalls] = useState<CallRecord[]>([]);
  const state = useMe()?.state;
  useEffect(() => {
    if (state !== 'idle' && state !== 'acw') return undefined;
    const control = new AbortController();
    session.api.calls({ limit: SHOWN }, control.signal).then(
      (page) => setCalls(page.items),
      () => undefined, // the list before stays; the connection's state says what is wrong
    );
    return () => control.abort();
  }, [session, state]);
  return (
    <section className="card own" data-testid="own-calls">
      <header>
        <h2>{t('own.title')}</h2>
      </header>
      <div className="scroll">
        <table>
          <tbody>
            {calls.map((call) => (
              <tr key={call.call_id}>
                <td className="when">
                  {timeOfDay(instant(call.arrived_at)).slice(0, 5)}
                  <small>{day(instant(call.arrived_at)).slice(5)}</small>
                </td>
                <td>
                  {phone(call.ani)}
                  <small>
                    {call.disposition ? names.disposition(call.disposition) : name('outcome', call.outcome ?? 'in_progress')}
                  </small>
                </td>
                <td className="money">{call.talked_ms === null ? '–' : clock(call.talked_ms)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {calls.length === 0 && <p className="empty">{t('own.empty')}</p>}
      </div>
    </section>
  );
}
