// What callers have said to a queue's people (留言): to hear, and to mark as dealt with.
import { Button, Segmented, Select } from 'antd';
import { useEffect, useState } from 'react';

import type { MessageData } from '../../api/wire';
import { clock, dateTime, instant } from '../../format/time';
import { phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import { Player } from '../../player/Player';
import { useSession } from '../../state/context';
import { useNames } from '../../state/names';
import { useSignal } from '../../state/signal';
import { useAnswer } from '../why/useAnswer';
import { useMessages } from './useMessages';

export default function MessagesPage() {
  const { t } = useSpeech();
  const config = useSignal(useSession().config);
  const [picked, setPicked] = useState<string | null>(null);
  const [open, setOpen] = useState(true);
  const [chosen, setChosen] = useState<string | null>(null);
  const mailbox = picked ?? config?.queues[0]?.code ?? null;
  const messages = useMessages(mailbox, open);
  const names = useNames();
  useEffect(() => {
    document.title = `${t('app.name')} · ${t('app.messages')}`;
  }, [t]);
  const message = messages.items.find(({ recording_id }) => recording_id === chosen) ?? null;
  return (
    <main className="messages" data-testid="messages">
      <section className="card message-list" data-testid="message-list" aria-busy={messages.busy}>
        <header>
          <h2>{t('msg.of')}</h2>
          <Select className="mailbox" size="small" value={mailbox} onChange={setPicked} options={(config?.queues ?? []).map(({ code }) => ({ value: code, label: names.queue(code) }))} />
          <Segmented size="small" value={open} onChange={setOpen} options={[{ value: true, label: t('msg.open') }, { value: false, label: t('msg.all') }]} />
        </header>
        <MessageTable items={messages.items} chosen={chosen} busy={messages.busy} failed={messages.failed} onChoose={setChosen} />
        {messages.more && (
          <footer>
            <Button size="small" disabled={messages.busy} onClick={messages.older}>
              {t('msg.more')}
            </Button>
          </footer>
        )}
      </section>
      <MessageCard message={message} onDone={messages.again} />
    </main>
  );
}

interface Table {
  items: readonly MessageData[];
  chosen: string | null;
  busy: boolean;
  failed: string | null;
  onChoose(id: string): void;
}

export function MessageTable({ items, chosen, busy, failed, onChoose }: Table) {
  const { t, name } = useSpeech();
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>{t('msg.left')}</th>
            <th>{t('msg.length')}</th>
            <th>{t('msg.state')}</th>
          </tr>
        </thead>
        <tbody>
          {items.map((message) => (
            <tr key={message.recording_id} className={message.recording_id === chosen ? 'chosen' : ''} aria-selected={message.recording_id === chosen} data-message={message.recording_id} onClick={() => onChoose(message.recording_id)}>
              <td>{dateTime(instant(message.started_at))}</td>
              <td className="money">{message.duration_ms === null ? '–' : clock(message.duration_ms)}</td>
              <td>
                <Handled message={message} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {failed && (
        <p className="empty failed" role="alert">
          {name('error', failed)}
        </p>
      )}
      {!failed && !busy && items.length === 0 && <p className="empty">{t('msg.empty')}</p>}
    </div>
  );
}

function Handled({ message: { done_at: at, done_by: user } }: { message: MessageData }) {
  const { t } = useSpeech();
  if (at === null) return <b className="open">{t('msg.open')}</b>;
  return <>{t('msg.done_by', { user: user ?? '–', time: dateTime(instant(at)).slice(5, 16) })}</>;
}

function MessageCard({ message, onDone }: { message: MessageData | null; onDone(): void }) {
  const { t, name } = useSpeech();
  const { api, identity } = useSession();
  const [failed, setFailed] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  useEffect(() => setFailed(null), [message?.recording_id]);
  const sees = identity.permissions.includes('call.view_all');
  const call = useAnswer(sees ? (message?.call_id ?? null) : null, (signal) => api.call(message?.call_id ?? '', signal));
  if (!message) {
    return (
      <section className="card message">
        <p className="empty">{t('msg.choose')}</p>
      </section>
    );
  }
  const finish = (): void => {
    setBusy(true);
    api
      .messageDone(message.recording_id)
      .then(onDone, () => setFailed('unreachable'))
      .finally(() => setBusy(false));
  };
  return (
    <section className="card message" data-testid="message" data-message={message.recording_id}>
      <header>
        <h2>{dateTime(instant(message.started_at))}</h2>
        <span className="count">{message.call_id}</span>
      </header>
      <dl className="summary">
        <dt>{t('msg.caller')}</dt>
        <dd>{call.found ? <b>{phone(call.found.ani)}</b> : '–'}</dd>
        <dt>{t('msg.state')}</dt>
        <dd>{message.deleted_at ? t('msg.deleted') : <Handled message={message} />}</dd>
      </dl>
      <Player id={message.deleted_at ? null : message.recording_id} />
      <div className="acts">
        <Button type="primary" disabled={busy || message.done_at !== null} onClick={finish} data-testid="message-done">
          {t('msg.done')}
        </Button>
        {failed && <span className="failed">{name('error', failed)}</span>}
      </div>
    </section>
  );
}
