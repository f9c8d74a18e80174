// What makes a recording provable, and what keeps it: its seal, legal hold, its end. In a fixed place.
import { useState, type KeyboardEvent } from 'react';

import { ApiError } from '../../api/http';
import type { RecordingData } from '../../api/wire';
import { dateTime, instant } from '../../format/time';
import { size } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { useSession } from '../../state/context';

/** The longest reason, in characters: the engine takes 500 bytes. */
const WHY_MAX = 160;

interface Props {
  recording: RecordingData | null;
  /** It was held or released. */
  onChanged(): void;
}

export function Proof({ recording, onChanged }: Props) {
  const { t } = useSpeech();
  const { identity } = useSession();
  if (!recording) return <div className="proof" />;
  const { sha256, bytes, recovered, deleted_at, certificate } = recording;
  if (deleted_at) {
    return (
      <div className="proof" data-testid="deleted">
        <span className="seal">{t('rec.deleted', { at: dateTime(instant(deleted_at)) })}</span>
        {certificate !== null && <Certificate key={recording.recording_id} text={certificate} />}
      </div>
    );
  }
  return (
    <div className="proof">
      <span className="seal" title={sha256 ?? ''}>
        {sha256 === null ? t('rec.unsealed') : t('rec.sealed')}{' '}
        {sha256 !== null && <code>{sha256.slice(0, 16)}…</code>} {bytes === null ? '' : size(bytes)}
        {recovered ? ` · ${t('rec.recovered')}` : ''}
      </span>
      {identity.permissions.includes('recording.hold') ? (
        <Hold key={recording.recording_id} recording={recording} onChanged={onChanged} />
      ) : (
        recording.held !== null && <Held why={recording.held} />
      )}
    </div>
  );
}

/** Why it is held; a long reason is cut, and whole where one points. */
function Held({ why }: { why: string }) {
  const { t } = useSpeech();
  return (
    <b className="held" title={why}>
      {t('rec.held', { why })}
    </b>
  );
}

/** What proves that a recording was deleted in time, over the timeline as long as it is wanted. */
function Certificate({ text }: { text: string }) {
  const { t } = useSpeech();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="hold" aria-expanded={open} data-testid="certificate" onClick={() => setOpen(!open)}>
        {t('rec.certificate')}
      </button>
      {open && <pre className="certificate">{text}</pre>}
    </>
  );
}

/** Puts the recording under legal hold with a reason, or releases it. */
function Hold({ recording, onChanged }: Props & { recording: RecordingData }) {
  const { t, name } = useSpeech();
  const { api } = useSession();
  const [why, setWhy] = useState<string | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const ask = (asked: Promise<void>): void => {
    asked.then(
      () => {
        setWhy(null);
        setFailed(null);
        onChanged();
      },
      (error: unknown) => setFailed(error instanceof ApiError ? error.code : 'unreachable'),
    );
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') setWhy(null);
    if (event.key === 'Enter' && why?.trim()) ask(api.hold(recording.recording_id, why.trim()));
  };
  if (why !== null) {
    return (
      <input
        className="hold-why"
        data-testid="hold-why"
        autoFocus
        maxLength={WHY_MAX}
        placeholder={t('rec.hold_why')}
        value={why}
        onChange={(event) => setWhy(event.target.value)}
        onKeyDown={press}
      />
    );
  }
  const { held, recording_id } = recording;
  return (
    <>
      {held !== null && <Held why={held} />}
      <button
        type="button"
        className="hold"
        data-testid="hold"
        onClick={() => (held === null ? setWhy('') : ask(api.release(recording_id)))}
      >
        {t(held === null ? 'rec.hold' : 'rec.release')}
      </button>
      {failed && <span className="failed">{name('error', failed)}</span>}
    </>
  );
}
