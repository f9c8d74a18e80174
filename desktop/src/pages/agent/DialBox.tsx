// Calling someone: a colleague, a queue, or a number outside; the agent's own phone rings first.
import { Button, Input, type InputRef } from 'antd';
import { useState, type FormEvent, type RefObject } from 'react';

import type { Named } from '../../api/wire';
import { useSpeech } from '../../i18n/context';
import { shortcutText } from '../../state/allowed';
import { useSession } from '../../state/context';
import { useSignal } from '../../state/signal';

/** The longest that can be typed; whether it is someone's number the server says. */
const WRITTEN_MAX = 64;

/** What is dialled for what was typed: a queue is known by any of its names. */
export function dialled(typed: string, queues: readonly Named[]): string {
  const wanted = typed.trim().toLowerCase();
  const queue = queues.find(({ code, zh, en }) => [code, zh, en].some((known) => known.toLowerCase() === wanted));
  return queue?.code ?? typed.trim();
}

interface Props {
  /** Whether the agent may call anyone now. */
  allowed: boolean;
  field: RefObject<InputRef | null>;
}

export function DialBox({ allowed, field }: Props) {
  const { t, name } = useSpeech();
  const session = useSession();
  const notice = useSignal(session.notice);
  const queues = useSignal(session.config)?.queues ?? [];
  const [typed, setTyped] = useState('');
  const outside = session.identity.permissions.includes('call.outbound');
  const ready = allowed && typed.trim() !== '';
  const dial = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (ready && (await session.act('dial', { number: dialled(typed, queues) }))) setTyped('');
  };
  const refused = notice?.action === 'dial' ? notice.code : null;
  const why = (code: string): string => {
    if (code === 'forbidden') return t('dial.forbidden');
    const known = name('error', code);
    return known === code ? t('error.other', { code }) : known;
  };
  return (
    <form className="card dial" onSubmit={(event) => void dial(event)} aria-label={t('dial.label')} data-testid="dial">
      <Input
        ref={field}
        value={typed}
        disabled={!allowed}
        maxLength={WRITTEN_MAX}
        autoComplete="off"
        placeholder={t(outside ? 'dial.number' : 'dial.inside')}
        aria-label={t(outside ? 'dial.number' : 'dial.inside')}
        onChange={(event) => setTyped(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && field.current?.blur()}
      />
      <Button htmlType="submit" type="primary" disabled={!ready}>
        <span>{t('dial.call')}</span>
        <kbd>{shortcutText('dial')}</kbd>
      </Button>
      <p className={refused ? 'dial-told failed' : 'dial-told'} role="status" data-testid="dial-told">
        {refused ? why(refused) : t(outside ? 'dial.hint' : 'dial.hint_inside')}
      </p>
    </form>
  );
}
