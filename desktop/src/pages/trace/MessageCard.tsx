// One message in full, and the way that it went.
import type { TraceItem } from '../../api/wire';
import { useSpeech } from '../../i18n/context';

export function MessageCard({ item }: { item: TraceItem | null }) {
  const { t } = useSpeech();
  const from = item?.direction === 'in' ? item.remote : item?.local;
  const to = item?.direction === 'in' ? item?.local : item?.remote;
  return (
    <section className="card message" data-testid="message">
      <header>
        <h2>{t('trace.message')}</h2>
        <span className="count">{item?.summary ?? ''}</span>
      </header>
      <p className="way">{item ? `${item.at.slice(11, 23)} · ${item.transport.toUpperCase()} ${from} → ${to}` : t('trace.pick')}</p>
      <pre className="scroll" tabIndex={0}>
        {item?.message.replaceAll('\r\n', '\n') ?? ''}
      </pre>
    </section>
  );
}
