// One call: its recordings to hear, and everything that happened in it.
import { Segmented } from 'antd';
import { useEffect, useRef, useState } from 'react';

import { ApiError } from '../../api/http';
import type { CallDetail, LegData, QualityData, VoiceData } from '../../api/wire';
import { clock, dateTime, instant, timeOfDay } from '../../format/time';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { Player, type PlayerHandle } from '../../player/Player';
import { useSession } from '../../state/context';
import { useNames } from '../../state/names';
import { Proof } from './Proof';
import { Timeline } from './Timeline';

export function Detail({ id }: { id: string | null }) {
  const { t, name } = useSpeech();
  const mayAsk = useSession().identity.permissions.includes('call.view_all');
  const [changes, setChanges] = useState(0);
  const { call, failed } = useCall(id, changes);
  const [nth, setNth] = useState(0);
  const player = useRef<PlayerHandle>(null);
  useEffect(() => setNth(0), [id]);
  const recording = call?.recordings[nth] ?? null;
  const started = instant(recording?.started_at);
  const seek = (at: number): void => {
    if (started !== null) player.current?.seek((at - started) / 1000);
  };
  if (id === null) {
    return (
      <section className="card detail">
        <p className="empty">{t('rec.choose')}</p>
      </section>
    );
  }
  return (
    <section className="card detail" data-testid="detail" data-call={call?.call_id}>
      <header>
        <h2>{t('rec.detail')}</h2>
        <span className="count">{id}</span>
        {mayAsk && (
          <a className="head-button" href={`#/why/${id}`} data-testid="why-link">
            {t('why.link')}
          </a>
        )}
      </header>
      {failed && <p className="empty failed">{name('error', failed)}</p>}
      <Summary call={call} />
      {call && call.transfers.length > 0 && <Parties call={call} />}
      {call && call.recordings.length > 1 && (
        <Segmented
          className="parts"
          size="small"
          value={nth}
          onChange={setNth}
          options={call.recordings.map((part, at) => ({
            value: at,
            label: `${part.agent_id} ${timeOfDay(instant(part.started_at))}`,
          }))}
        />
      )}
      <Player id={recording && !recording.deleted_at ? recording.recording_id : null} ref={player} />
      <Proof recording={recording} onChanged={() => setChanges((count) => count + 1)} />
      <Timeline call={call} recording={recording} onSeek={seek} />
    </section>
  );
}

function Summary({ call }: { call: CallDetail | null }) {
  const { t, name } = useSpeech();
  const names = useNames();
  return (
    <dl className="summary">
      <dt>{t('pop.ani')}</dt>
      <dd>
        <b>{call ? phone(call.ani) : ''}</b> {call ? `→ ${call.dnis}` : ''}
        {call?.diverted_from && <small> {t('rec.diverted', { number: phone(call.diverted_from) })}</small>}
        {call?.callback_of && (
          <small>
            {' '}
            <a href={`#/records/${call.callback_of}`}>{t('rec.callback_of', { call: call.callback_of })}</a>
          </small>
        )}
      </dd>
      <dt>{t('rec.outcome')}</dt>
      <dd>{call && name('outcome', call.outcome)}</dd>
      <dt>{t('rec.time')}</dt>
      <dd>{call && dateTime(instant(call.arrived_at))}</dd>
      <dt>{t('board.agent')}</dt>
      <dd>{call && `${call.agent_id ?? '–'} · ${names.queue(call.queue)}`}</dd>
      <dt>{t('rec.talk')}</dt>
      <dd>{call && (call.talked_ms === null ? '–' : clock(call.talked_ms))}</dd>
      <dt>{t('rec.disposition')}</dt>
      <dd>{call && names.disposition(call.disposition)}</dd>
    </dl>
  );
}

/** Everyone who was in the call, where that were more than caller and agent. */
function Parties({ call }: { call: CallDetail }) {
  const { t, name } = useSpeech();
  const whom = (leg: LegData): string => leg.agent_id ?? (leg.number ? phone(leg.number) : t('rec.caller'));
  return (
    <div className="parties" data-testid="parties">
      <h3>{t('rec.parties')}</h3>
      <ol>
        {call.legs.map((leg) => (
          <li key={leg.leg_id} className={leg.answered_at ? '' : 'missed'}>
            <b>{whom(leg)}</b>
            <time>
              {timeOfDay(instant(leg.answered_at ?? leg.began_at))}–{timeOfDay(instant(leg.ended_at))}
            </time>
            <span>{leg.cause && name('cause', leg.cause)}</span>
            {leg.line && <small data-testid="line">{score(leg.line)}</small>}
          </li>
        ))}
      </ol>
    </div>
  );
}

/** The scores of both ways, as far as they are known: how the party was heard / what it heard. */
function score({ from_party, to_party }: QualityData): string {
  const mos = (voice: VoiceData | null): string => (voice ? voice.mos.toFixed(1) : '–');
  return `MOS ${mos(from_party)} / ${mos(to_party)}`;
}

/** The call `id`, read when it is chosen and after each of `changes`. */
function useCall(id: string | null, changes: number): { call: CallDetail | null; failed: string | null } {
  const { api } = useSession();
  const [call, setCall] = useState<CallDetail | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  useEffect(() => {
    setCall((shown) => (shown?.call_id === id ? shown : null));
    setFailed(null);
    if (id === null) return undefined;
    const control = new AbortController();
    api.call(id, control.signal).then(setCall, (error: unknown) => {
      if (control.signal.aborted) return;
      setFailed(error instanceof ApiError ? error.code : 'unreachable');
    });
    return () => control.abort();
  }, [api, id, changes]);
  return { call, failed };
}
