// The phone bar (电话工具条): the agent's state, and the buttons that the server allows now.
import { Button, Dropdown } from 'antd';
import type { Action } from '../../api/wire';

import { markText, StateMark, statusText } from '../../components/StateMark';
import { Timer } from '../../components/Timer';
import { useSpeech, type Speech } from '../../i18n/context';
import { BAR_ACTIONS, may, REASONS, shortcutText } from '../../state/allowed';
import { useSession } from '../../state/context';
import { markOf } from '../../state/marks';
import type { Agent } from '../../state/reducer';
import { useSignal } from '../../state/signal';

interface Bar {
  me: Agent | null;
  /** Whether the list of reasons is open. */
  reasons: boolean;
  onReasons(open: boolean): void;
  onAct(action: Action, data?: Record<string, unknown>): void;
}

export function PhoneBar({ me, reasons, onReasons, onAct }: Bar) {
  const { t } = useSpeech();
  return (
    <section className={`bar bar-${me ? markOf(me) : 'none'}`} aria-label={t('bar.label')}>
      <StateBlock me={me} />
      <div className="bar-buttons">
        {BAR_ACTIONS.map((action) =>
          action === 'not_ready' ? (
            <ReasonButton key={action} me={me} open={reasons} onOpen={onReasons} onAct={onAct} />
          ) : (
            <BarButton key={action} me={me} action={action} onClick={() => onAct(action)} />
          ),
        )}
      </div>
      <NoticeLine />
    </section>
  );
}

function StateBlock({ me }: { me: Agent | null }) {
  const speech = useSpeech();
  if (!me) {
    return (
      <div className="bar-state" data-testid="state" data-mark="none">
        <span className="bar-word">{speech.t('state.unknown')}</span>
      </div>
    );
  }
  const mark = markOf(me);
  return (
    <div className="bar-state" data-testid="state" data-mark={mark} role="status">
      <StateMark mark={mark} size={26} />
      <span className="bar-word">
        {markText(me, speech)}
        <small>{secondLine(me, speech)}</small>
      </span>
      <Timer since={me.since} className="bar-timer" />
    </div>
  );
}

/** Under the state: what is wrong, what comes next, or else what the agent chose. */
function secondLine(me: Agent, speech: Speech): string {
  if (!me.phoneReachable && me.status !== 'signed_out') return speech.t('bar.phone_gone');
  if (me.asks) return speech.t('state.asks', { reason: speech.name('reason', me.asks) });
  if (me.next) return speech.t('state.next', { status: statusText(me.next, me.nextReason, speech) });
  if (me.state !== 'idle') return speech.name('status', me.status);
  return speech.t(me.status === 'ready' ? 'pop.idle' : 'pop.idle_not_ready');
}

/** A button's words: a call that still rings is declined. */
function label(action: Action, me: Agent | null, { t }: Speech): string {
  if (action === 'hang_up' && (me?.state === 'ringing' || me?.state === 'reserved')) return t('bar.decline');
  return t(`bar.${action}`);
}

function BarButton({ me, action, onClick }: { me: Agent | null; action: Action; onClick?(): void }) {
  const speech = useSpeech();
  const sending = useSignal(useSession().sending).has(action);
  const allowed = may(me, action);
  return (
    <Button
      className={`bar-button bar-${action}`}
      disabled={!allowed}
      danger={action === 'hang_up'}
      type={action === 'hang_up' && allowed ? 'primary' : 'default'}
      data-testid={`act-${action}`}
      data-sending={sending}
      onClick={onClick}
    >
      <span>{label(action, me, speech)}</span>
      <kbd>{shortcutText(action)}</kbd>
    </Button>
  );
}

function ReasonButton({
  me,
  open,
  onOpen,
  onAct,
}: {
  me: Agent | null;
  open: boolean;
  onOpen(open: boolean): void;
  onAct: Bar['onAct'];
}) {
  const { name } = useSpeech();
  const allowed = may(me, 'not_ready');
  const items = REASONS.map((reason, at) => ({
    key: reason,
    label: (
      <span className="reason">
        {name('reason', reason)}
        <kbd>{at + 1}</kbd>
      </span>
    ),
  }));
  return (
    <Dropdown
      trigger={['click']}
      open={open && allowed}
      onOpenChange={onOpen}
      disabled={!allowed}
      menu={{
        items,
        onClick: ({ key }) => {
          onOpen(false);
          onAct('not_ready', { reason: key });
        },
      }}
    >
      <span className="bar-slot">
        <BarButton me={me} action="not_ready" />
      </span>
    </Dropdown>
  );
}

/** What became of the last command: one line in a fixed place. */
function NoticeLine() {
  const { t, name } = useSpeech();
  const { notice, sending } = useSession();
  const said = useSignal(notice);
  const waiting = useSignal(sending).size > 0;
  if (waiting) return <p className="bar-notice">{t('bar.sent')}</p>;
  // What became of calling someone is told where the number was typed.
  if (!said || said.action === 'dial') return <p className="bar-notice" />;
  const known = name('error', said.code);
  const words = known === said.code ? t('error.other', { code: said.code }) : known;
  return (
    <p className="bar-notice failed" role="alert" data-testid="notice">
      {name('bar', said.action)}：{words}
    </p>
  );
}
