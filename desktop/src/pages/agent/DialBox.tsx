// Calling out (外呼): a number, the agent's own phone first, then the called one's.
import { Button, Input, type InputRef } from 'antd';
import { useState, type FormEvent, type RefObject } from 'react';

import { useSpeech } from '../../i18n/context';
import { may, shortcutText } from '../../state/allowed';
import type { Agent } from '../../state/reducer';

/** What a number may be written with; the server decides what may be called. */
const WRITTEN = /^[+0-9*#()\-. ]{1,64}$/;

interface Props {
  me: Agent | null;
  field: RefObject<InputRef | null>;
  onDial(number: string): void;
}

export function DialBox({ me, field, onDial }: Props) {
  const { t } = useSpeech();
  const [number, setNumber] = useState('');
  const allowed = may(me, 'dial');
  const dial = (event: FormEvent): void => {
    event.preventDefault();
    if (!allowed || !WRITTEN.test(number)) return;
    onDial(number);
    setNumber('');
  };
  return (
    <form className="card dial" onSubmit={dial} aria-label={t('dial.label')} data-testid="dial">
      <Input
        ref={field}
        value={number}
        disabled={!allowed}
        inputMode="tel"
        autoComplete="off"
        placeholder={t('dial.number')}
        aria-label={t('dial.number')}
        onChange={(event) => setNumber(event.target.value)}
        onKeyDown={(event) => event.key === 'Escape' && field.current?.blur()}
      />
      <Button htmlType="submit" type="primary" disabled={!allowed || !WRITTEN.test(number)}>
        <span>{t('dial.call')}</span>
        <kbd>{shortcutText('dial')}</kbd>
      </Button>
    </form>
  );
}
