// How the connection to the engine is: always in the same place, never in the way.
import { useSyncExternalStore } from 'react';

import { useSpeech } from '../i18n/context';
import { useSession } from '../state/context';
import { useSignal } from '../state/signal';
import { onTick } from './Timer';

export function LinkState() {
  const session = useSession();
  const { t } = useSpeech();
  const link = useSignal(session.link);
  const left = (): number =>
    link.phase === 'waiting' ? Math.max(0, Math.ceil((link.retryAt - Date.now()) / 1000)) : 0;
  const seconds = useSyncExternalStore(onTick, left, left);
  const manual = link.phase === 'waiting' || link.phase === 'replaced';
  const lost = manual || (link.phase === 'connecting' && link.attempt > 1);
  const said =
    link.phase === 'waiting'
      ? t('link.waiting', { seconds, attempt: link.attempt })
      : t(`link.${link.phase}`);
  return (
    <div className={`link link-${lost ? 'lost' : link.phase}`} role="status" data-testid="link">
      <i aria-hidden />
      <span>{said}</span>
      {lost && link.phase !== 'replaced' && <em>{t('link.calls_go_on')}</em>}
      {manual && (
        <button type="button" onClick={() => session.retryNow()}>
          {t('link.retry')}
        </button>
      )}
    </div>
  );
}
