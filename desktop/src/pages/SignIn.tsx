// Sign-in: who, and why not.
import { Button, Input, type InputRef } from 'antd';
import { useEffect, useRef, useState, type FormEvent, type KeyboardEvent } from 'react';

import { ApiError, signIn } from '../api/http';
import { useSpeech } from '../i18n/context';
import type { TextKey } from '../i18n/texts';
import type { Identity } from '../session';

const LAST_USER = 'hotline.user';

/** What stands in the fixed line under the form. */
interface Told {
  key: TextKey;
  kind: 'error' | 'info';
}

const REASONS: Readonly<Record<string, TextKey>> = {
  wrong_credentials: 'signin.wrong',
  slowed: 'signin.slowed',
  locked: 'signin.locked',
  unreachable: 'signin.unreachable',
};

export function SignIn({ over, onSignedIn }: { over: boolean; onSignedIn(who: Identity): void }) {
  const { t, toggle } = useSpeech();
  const [user, setUser] = useState(() => localStorage.getItem(LAST_USER) ?? '');
  const [password, setPassword] = useState('');
  const [told, setTold] = useState<Told | null>(over ? { key: 'signin.over', kind: 'info' } : null);
  const [busy, setBusy] = useState(false);
  const [caps, setCaps] = useState(false);
  const { seconds, hold } = useHold(() => setTold({ key: 'signin.again', kind: 'info' }));
  const userField = useRef<InputRef>(null);
  const passwordField = useRef<InputRef>(null);
  const firstEmpty = useRef(user ? passwordField : userField);
  useEffect(() => firstEmpty.current.current?.focus(), []);

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault();
    if (busy || seconds > 0) return;
    if (!user.trim() || !password) {
      setTold({ key: 'signin.missing', kind: 'error' });
      return;
    }
    setBusy(true);
    setTold(null);
    try {
      const name = user.trim();
      const answer = await signIn(name, password);
      localStorage.setItem(LAST_USER, name);
      onSignedIn(answer);
    } catch (error) {
      const failed = error instanceof ApiError ? error : new ApiError(0, 'unreachable', null);
      setTold({ key: REASONS[failed.code] ?? 'signin.unavailable', kind: 'error' });
      if (failed.retryAfterMs !== null && failed.status === 429) hold(failed.retryAfterMs);
      setPassword('');
      passwordField.current?.focus();
    } finally {
      setBusy(false);
    }
  };
  const watchCaps = (event: KeyboardEvent): void => setCaps(event.getModifierState('CapsLock'));

  return (
    <main className="signin">
      <form className="signin-card" onSubmit={(event) => void submit(event)} noValidate>
        <header>
          <img src="/icon.svg" alt="" width={44} height={44} />
          <div>
            <h1>{t('app.name')}</h1>
            <p>{t('signin.subtitle')}</p>
          </div>
          <Button type="text" size="small" onClick={toggle} title={t('app.language_hint')}>
            {t('app.language')}
          </Button>
        </header>
        <label htmlFor="user">{t('signin.user')}</label>
        <Input
          id="user"
          ref={userField}
          size="large"
          value={user}
          autoComplete="username"
          spellCheck={false}
          maxLength={64}
          onChange={(event) => setUser(event.target.value)}
        />
        <label htmlFor="password">
          {t('signin.password')}
          <em>{caps ? t('signin.capslock') : ''}</em>
        </label>
        <Input.Password
          id="password"
          ref={passwordField}
          size="large"
          value={password}
          autoComplete="current-password"
          maxLength={256}
          onChange={(event) => setPassword(event.target.value)}
          onKeyUp={watchCaps}
        />
        <p className={`signin-told ${told?.kind ?? ''}`} role="alert" data-testid="signin-told">
          {told ? t(told.key, { seconds }) : ''}
        </p>
        <Button type="primary" size="large" block htmlType="submit" loading={busy} disabled={seconds > 0}>
          {t('signin.submit')}
        </Button>
      </form>
    </main>
  );
}

/** A wait that the server asked for, counted down in whole seconds. */
function useHold(ended: () => void): { seconds: number; hold(ms: number): void } {
  const [until, setUntil] = useState<number | null>(null);
  const [seconds, setSeconds] = useState(0);
  const done = useRef(ended);
  done.current = ended;
  useEffect(() => {
    if (until === null) return undefined;
    const look = (): void => {
      const left = Math.max(0, Math.ceil((until - Date.now()) / 1000));
      setSeconds(left);
      if (left > 0) return;
      setUntil(null);
      done.current();
    };
    look();
    const timer = setInterval(look, 250);
    return () => clearInterval(timer);
  }, [until]);
  return { seconds, hold: (ms) => setUntil(Date.now() + ms) };
}
