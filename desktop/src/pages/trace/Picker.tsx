// Which call: by its id, or one that goes on, or one that has ended lately.
import { useEffect, useState, type FormEvent } from 'react';

import type { CallRecord } from '../../api/wire';
import { instant, timeOfDay } from '../../format/time';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { CALLS_SHOWN, callsInOrder } from '../../state/board';
import { useDesk, useSession } from '../../state/context';

/** Calls that have ended: so many are listed. */
const ENDED_SHOWN = 30;

interface Props {
  id: string | null;
  onOpen(id: string): void;
}

export function Picker({ id, onOpen }: Props) {
  const { t, name } = useSpeech();
  const [typed, setTyped] = useState(id ?? '');
  useEffect(() => setTyped(id ?? ''), [id]);
  const calls = callsInOrder(useDesk((state) => state.calls)).slice(0, CALLS_SHOWN);
  const ended = useEnded(id);
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (typed.trim()) onOpen(typed.trim());
  };
  return (
    <section className="card call-picker" data-testid="picker">
      <form onSubmit={submit}>
        <label htmlFor="trace-call">{t('trace.call')}</label>
        <input id="trace-call" value={typed} placeholder={t('trace.example')} autoComplete="off" spellCheck={false} onChange={(event) => setTyped(event.target.value)} />
        <button type="submit">{t('trace.show')}</button>
      </form>
      <div className="scroll">
        <h3>{t('trace.live')}</h3>
        {calls.length === 0 && <p className="none">{t('trace.no_calls')}</p>}
        {calls.map((call) => (
          <Choice key={call.id} call={call.id} chosen={call.id === id} at={call.since} ani={call.ani} note={name('call', call.state)} onOpen={onOpen} />
        ))}
        {ended && <h3>{t('trace.ended')}</h3>}
        {ended?.map((call) => (
          <Choice key={call.call_id} call={call.call_id} chosen={call.call_id === id} at={instant(call.arrived_at)} ani={call.ani} note={name('outcome', call.outcome)} onOpen={onOpen} />
        ))}
      </div>
    </section>
  );
}

interface ChoiceProps {
  call: string;
  chosen: boolean;
  at: number | null;
  ani: string;
  note: string;
  onOpen(id: string): void;
}

function Choice({ call, chosen, at, ani, note, onOpen }: ChoiceProps) {
  return (
    <button type="button" className={`choice ${chosen ? 'chosen' : ''}`} aria-current={chosen || undefined} data-call={call} onClick={() => onOpen(call)}>
      <b>{phone(ani)}</b>
      <span>{note}</span>
      <small>{timeOfDay(at)}</small>
      <small>{call}</small>
    </button>
  );
}

/** The calls that ended last, for one who may see them; read again with each call that is opened. */
function useEnded(id: string | null): CallRecord[] | null {
  const { api, identity } = useSession();
  const may = identity.permissions.includes('call.view_all');
  const [ended, setEnded] = useState<CallRecord[] | null>(null);
  useEffect(() => {
    if (!may) return undefined;
    const control = new AbortController();
    // A list that cannot be read is left out: the id can be typed.
    api.calls({ limit: ENDED_SHOWN }, control.signal).then((page) => setEnded(page.items), () => undefined);
    return () => control.abort();
  }, [api, may, id]);
  return ended;
}
