// The agent's page: the phone bar, who is calling, what they are insured for, and the wrap-up.
import type { InputRef } from 'antd';
import { useEffect, useRef, useState } from 'react';

import type { Action } from '../../api/wire';
import { useSpeech } from '../../i18n/context';
import { phone } from '../../format/value';
import { may, mayDial, PAUSES } from '../../state/allowed';
import { useDesk, useMe, useSession } from '../../state/context';
import { CallCard } from './CallCard';
import { CustomerCard } from './CustomerCard';
import { DialBox } from './DialBox';
import { OwnCalls } from './OwnCalls';
import { PhoneBar } from './PhoneBar';
import { MovePanel } from './MovePanel';
import { Policies } from './Policies';
import { TargetPicker, type Move } from './TargetPicker';
import { usePopShown } from './usePopShown';
import { useShortcuts } from './useShortcuts';
import { useWrapUp, WrapUp } from './WrapUp';

/** How much one press of "extend" adds to after-call work. */
export const EXTEND_MS = 30_000;

export function AgentPage() {
  const session = useSession();
  const me = useMe();
  const pop = useDesk((state) => state.pop);
  const [reasons, setReasons] = useState(false);
  const [picking, setPicking] = useState<Move | null>(null);
  const dial = useRef<InputRef>(null);
  const call = pop?.call_id ?? me?.call ?? null;
  const wrapUp = useWrapUp(call);
  usePopShown(pop);
  useTitle(pop && (me?.state === 'ringing' || me?.state === 'reserved') ? pop.ani : null);

  const act = (action: Action, data?: Record<string, unknown>): void => {
    if (action === 'dial') dial.current?.focus();
    if (!may(me, action)) return;
    if (action === 'not_ready' && !data) setReasons(true);
    else if (action === 'transfer' || action === 'consult') setPicking(action);
    else if (action === 'extend_acw') void session.act(action, { ms: EXTEND_MS });
    else if (action === 'wrap_up') wrapUp.finish();
    else if (action === 'pause_recording') void session.act(action, data ?? { reason: PAUSES[0].reason });
    else if (action !== 'dial') void session.act(action, data);
  };
  useShortcuts({
    onAct: act,
    onPause: (reason) => act('pause_recording', { reason }),
    reasons: reasons ? (reason) => act('not_ready', { reason }) : null,
    closeReasons: () => setReasons(false),
    onDigit: wrapUp.chooseNth,
  });

  return (
    <main className="agent">
      <PhoneBar me={me} reasons={reasons} onReasons={setReasons} onAct={act} />
      <div className="agent-left">
        <CustomerCard pop={pop} me={me} />
        <CallCard pop={pop} />
        <MovePanel me={me} onAct={act} />
      </div>
      <Policies pop={pop} />
      <div className="agent-right">
        <DialBox allowed={mayDial(me)} field={dial} />
        <WrapUp me={me} call={call} wrapUp={wrapUp} />
        <OwnCalls />
      </div>
      {picking && may(me, picking) && (
        <TargetPicker
          move={picking}
          onClose={() => setPicking(null)}
          onPick={(target) => {
            setPicking(null);
            void session.act(picking, target);
          }}
        />
      )}
    </main>
  );
}

/** The tab says who calls, for one who is looking at another window. */
function useTitle(ani: string | null): void {
  const { t } = useSpeech();
  useEffect(() => {
    document.title = ani ? `☎ ${phone(ani)}` : `${t('app.name')} · ${t('app.agent')}`;
  }, [ani, t]);
}
