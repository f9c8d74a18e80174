// Everything that happened in a call, in order. What happened while it was taped leads into the tape.
import type { CallDetail, RecordingData, TimelineFact } from '../../api/wire';
import { instant, timeOfDay } from '../../format/time';
import { phone } from '../../format/value';
import { useSpeech, type Speech } from '../../i18n/context';
import { useNames, type Names } from '../../state/names';

interface Props {
  call: CallDetail | null;
  recording: RecordingData | null;
  onSeek(at: number): void;
}

export function Timeline({ call, recording, onSeek }: Props) {
  const speech = useSpeech();
  const names = useNames();
  const began = instant(call?.arrived_at);
  const from = instant(recording?.started_at);
  const until = from === null ? null : from + (recording?.duration_ms ?? 0);
  return (
    <div className="timeline scroll" data-testid="timeline" tabIndex={-1}>
      <h3>{speech.t('rec.timeline')}</h3>
      <ol>
        {call?.timeline.map((fact, nth) => {
          const at = instant(fact.at);
          const taped = at !== null && from !== null && until !== null && at >= from && at <= until;
          return (
            <li key={nth} className={taped ? 'taped' : ''} data-fact={fact.type}>
              <time>{timeOfDay(at)}</time>
              <span className="after">{at !== null && began !== null ? after(at - began) : ''}</span>
              <b>{speech.name('fact', fact.type)}</b>
              <span className="what">{whatOf(fact, speech, names)}</span>
              {taped && (
                <button type="button" onClick={() => onSeek(at)} aria-label={speech.t('rec.play')}>
                  ▸
                </button>
              )}
            </li>
          );
        })}
      </ol>
    </div>
  );
}

/** What put a caller forward: names with commas between. */
function reasons(why: string, speech: Speech): string {
  return why.split(',').map((reason) => speech.name('priority', reason)).join(speech.t('list.and'));
}

/** `+3.2`: seconds since the call arrived. */
function after(ms: number): string {
  return `+${(Math.max(0, ms) / 1000).toFixed(1)}`;
}

/** The fields of a fact that say something to people, in one line. */
export function whatOf(fact: TimelineFact, speech: Speech, names: Names): string {
  const field = (name: string, write: (value: string) => string): string | null => {
    const value = fact[name];
    return typeof value === 'string' || typeof value === 'number' ? write(String(value)) : null;
  };
  const parts = [
    field('ani', phone),
    field('dnis', (dnis) => `→ ${dnis}`),
    field('node', names.node),
    field('digits', (digits) => `“${digits}”`),
    field('lookup', (result) => speech.name('lookup', result)),
    field('took_ms', (ms) => `${ms} ms`),
    field('queue', names.queue),
    field('tier', (level) => speech.t('role.tier', { level })),
    field('by', (by) => `${by} →`),
    field('agent_id', (agent) => agent),
    field('number', phone),
    field('transfer', (kind) => speech.name('transfer', kind)),
    field('transfer_end', (end) => speech.name('transfer_end', end)),
    field('missed', (cause) => speech.name('reason', cause)),
    field('outcome', (outcome) => speech.name('outcome', outcome)),
    field('cause', (cause) => speech.name('cause', cause)),
    field('sip_status', (status) => status),
    field('disposition', names.disposition),
    field('status', (status) => speech.name('status', status)),
    field('state', (state) => speech.name('state', state)),
    field('user', (user) => user),
    fact.type.startsWith('recording_') ? field('why', (why) => why) : null,
    fact.type === 'tier_reached' ? field('why', (why) => speech.name('opened', why)) : null,
    fact.type === 'prioritised' ? field('why', (why) => reasons(why, speech)) : null,
    fact['head_start_ms'] ? field('head_start_ms', (ms) => `+${Number(ms) / 1000} s`) : null,
    field('error', (error) => error),
  ];
  const desktop = fact['desktop'] === false ? [speech.t('fact.no_desktop')] : [];
  return [...parts, ...desktop].filter((part) => part !== null).join(' · ');
}
