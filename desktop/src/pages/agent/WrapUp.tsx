// After-call work: the time left and the reason for the call, chosen by digit.
import { useState } from 'react';

import { Countdown } from '../../components/Timer';
import { useSpeech } from '../../i18n/context';
import { may, shortcutText } from '../../state/allowed';
import { useMe, useSession } from '../../state/context';
import { useNames } from '../../state/names';
import type { Agent } from '../../state/reducer';
import { useSignal } from '../../state/signal';

const STORED = 'hotline.disposition';

export interface WrapUpDraft {
  chosen: string | null;
  choose(code: string): void;
  chooseNth(nth: number): void;
  /** Sends what is chosen; asks for a choice if there is none. */
  finish(): void;
  /** Whether the last attempt lacked a choice. */
  asked: boolean;
}

/** What is chosen for a call, kept over a refresh. */
interface Draft {
  call: string;
  code: string;
}

function storedDraft(): Draft | null {
  try {
    return JSON.parse(sessionStorage.getItem(STORED) ?? 'null') as Draft | null;
  } catch {
    return null;
  }
}

/** The choice for `call`: possible from the pop on, sent in after-call work. */
export function useWrapUp(call: string | null): WrapUpDraft {
  const session = useSession();
  const me = useMe();
  const dispositions = useSignal(session.config)?.dispositions ?? [];
  const [draft, setDraft] = useState<Draft | null>(storedDraft);
  const [askedFor, setAskedFor] = useState<string | null>(null);
  const chosen = call !== null && draft?.call === call ? draft.code : null;
  const choose = (code: string): void => {
    if (call === null) return;
    const next = { call, code };
    sessionStorage.setItem(STORED, JSON.stringify(next));
    setDraft(next);
  };
  return {
    chosen,
    choose,
    chooseNth: (nth) => {
      const found = dispositions[nth - 1];
      if (found) choose(found.code);
    },
    finish: () => {
      if (call === null || !may(me, 'wrap_up')) return;
      setAskedFor(call);
      if (chosen !== null) void session.act('wrap_up', { call_id: call, disposition: chosen });
    },
    asked: call !== null && askedFor === call && chosen === null,
  };
}

export function WrapUp({ me, call, wrapUp }: { me: Agent | null; call: string | null; wrapUp: WrapUpDraft }) {
  const { t } = useSpeech();
  const names = useNames();
  const config = useSignal(useSession().config);
  const acw = me?.state === 'acw';
  const until = me?.acwUntil ?? (me && config ? me.since + config.acw_ms : null);
  return (
    <section className={`card wrap ${acw ? 'now' : ''}`} data-testid="wrap">
      <header>
        <h2>{t('wrap.title')}</h2>
        <span className="wrap-left">
          {acw && until !== null && (
            <>
              {t('wrap.left')} <Countdown until={until} />
            </>
          )}
        </span>
      </header>
      <p className={`wrap-hint ${wrapUp.asked ? 'asked' : ''}`}>
        {wrapUp.asked ? t('wrap.choose') : t('wrap.hint', { key: shortcutText('wrap_up') })}
      </p>
      <div className="wrap-codes" role="radiogroup" aria-label={t('wrap.choose')}>
        {config?.dispositions.map((one, at) => (
          <button
            key={one.code}
            type="button"
            role="radio"
            aria-checked={wrapUp.chosen === one.code}
            disabled={call === null}
            data-testid={`disposition-${one.code}`}
            onClick={() => wrapUp.choose(one.code)}
          >
            {at < 9 && <kbd>{at + 1}</kbd>}
            {names.disposition(one.code)}
          </button>
        ))}
        {config?.dispositions.length === 0 && <p className="empty">{t('wrap.none')}</p>}
      </div>
    </section>
  );
}
