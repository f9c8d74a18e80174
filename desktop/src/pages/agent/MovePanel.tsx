// Moving the call: who is brought in, what goes on, and what may be done now. Of fixed size.
import { Button } from 'antd';

import type { Action, GuestData, TransferEndedData } from '../../api/wire';
import { phone } from '../../format/value';
import { useSpeech, type Speech } from '../../i18n/context';
import { keyText, may, MOVES, PAUSES, shortcutText, TAPE } from '../../state/allowed';
import { useDesk, useSession } from '../../state/context';
import type { Agent, Call } from '../../state/reducer';
import { useSignal } from '../../state/signal';

interface Props {
  me: Agent | null;
  onAct(action: Action, data?: Record<string, unknown>): void;
}

/** A colleague by number, a telephone outside by what may be shown of it, a queue by its code. */
export function whomOf({ agent_id, number, queue }: { agent_id: string | null; number: string | null; queue?: string | null }): string {
  return agent_id ?? (number ? phone(number) : (queue ?? ''));
}

export function MovePanel({ me, onAct }: Props) {
  const speech = useSpeech();
  const call = useDesk((state) => (me?.call ? (state.calls[me.call] ?? null) : null));
  const moved = useDesk((state) => state.moved);
  const sending = useSignal(useSession().sending);
  // Who is asked by a colleague has nobody brought in themselves.
  const guest = call?.guest && call.guest.agent_id !== me?.id ? call.guest : null;
  const moves = MOVES.filter((action) => (guest ? may(me, action) : action === 'transfer' || action === 'consult'));
  const tape = TAPE.find((action) => may(me, action)) ?? 'pause_recording';
  const shown = [...moves, tape];
  return (
    <section className="card move" data-testid="move" data-guest={guest ? whomOf(guest) : undefined} data-state={call?.state}>
      <header>
        <h2>{speech.t('move.title')}</h2>
      </header>
      <p className="move-told" role="status" data-testid="moved">
        {guest && call ? (
          <Guest guest={guest} call={call} />
        ) : call?.paused ? (
          <span className="paused">{speech.t('move.paused', { why: speech.name('pause', call.paused) })}</span>
        ) : (
          <Told moved={moved} speech={speech} />
        )}
      </p>
      <div className="move-buttons">
        {shown.map((action) => (
          <Button
            key={action}
            className={`bar-button move-${action}`}
            disabled={!may(me, action)}
            type={action === 'complete_transfer' ? 'primary' : 'default'}
            data-testid={`act-${action}`}
            data-sending={sending.has(action)}
            onClick={() => onAct(action)}
          >
            <span>{speech.t(`bar.${action}` as 'bar.transfer')}</span>
            <kbd>{shortcutText(action)}</kbd>
          </Button>
        ))}
        {tape === 'pause_recording' && (
          <div className="move-reasons">
            {PAUSES.slice(1).map(({ reason, ...key }) => (
              <Button
                key={reason}
                className="bar-button"
                disabled={!may(me, tape)}
                data-testid={`pause-${reason}`}
                onClick={() => onAct(tape, { reason })}
              >
                <span>{speech.t(`pause.${reason}` as 'pause.private')}</span>
                <kbd>{keyText(key)}</kbd>
              </Button>
            ))}
          </div>
        )}
      </div>
    </section>
  );
}

function Guest({ guest, call }: { guest: GuestData; call: Call }) {
  const { t } = useSpeech();
  const title = call.state === 'conference' ? 'move.conference' : guest.transfer === 'blind' ? 'move.blind' : 'move.consult';
  return (
    <>
      {t(title)} <b>{whomOf(guest)}</b>
      <small>{t(doing(guest, call))}</small>
    </>
  );
}

/** What the caller hears meanwhile. */
function doing(guest: GuestData, call: Call): 'move.all' | 'move.rings' | 'move.with_caller' | 'move.waits' {
  if (call.state === 'conference') return 'move.all';
  if (guest.with_caller) return 'move.with_caller';
  return guest.answered ? 'move.waits' : 'move.rings';
}

/** What became of the last one who was brought in. */
function Told({ moved, speech }: { moved: TransferEndedData | null; speech: Speech }) {
  if (!moved) return <small className="hint">{speech.t('move.nobody')}</small>;
  const failed = !['completed', 'taken_back'].includes(moved.end);
  const words = speech.name('moved', moved.end).replace('{whom}', whomOf(moved));
  return <span className={failed ? 'failed' : ''}>{words}</span>;
}
