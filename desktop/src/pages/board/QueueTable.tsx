// Each queue: who waits, how long, and what its agents are doing.
import { useMemo } from 'react';

import { Timer } from '../../components/Timer';
import { minutes } from '../../format/time';
import { useSpeech } from '../../i18n/context';
import { queuesInOrder } from '../../state/board';
import { useDesk, useSession } from '../../state/context';
import { useNames } from '../../state/names';
import type { Queue } from '../../state/reducer';
import { useSignal } from '../../state/signal';
import type { Menu } from '../../state/steer';
import { BOARD_KEYS } from './useSteering';

/** `onSteer` opens the list of who is to be called back; null for who may not. */
export function QueueTable({ onSteer = null }: { onSteer?: ((menu: Menu) => void) | null }) {
  const { t } = useSpeech();
  const queues = useDesk((state) => state.queues);
  const config = useSignal(useSession().config);
  const callbacks = Object.values(queues).reduce((sum, queue) => sum + queue.callbacks, 0);
  const order = useMemo(() => config?.queues.map(({ code }) => code) ?? [], [config]);
  return (
    <section className="card queues" data-testid="queues">
      <header>
        <h2>{t('board.queues')}</h2>
        {onSteer && (
          <button type="button" className="head-button" data-testid="callbacks" onClick={() => onSteer({ of: 'callbacks' })}>
            {t('board.callbacks')} <b>{callbacks}</b> <kbd>{BOARD_KEYS.callbacks}</kbd>
          </button>
        )}
      </header>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th className="col-queue">{t('board.queue')}</th>
              <th>{t('board.waiting')}</th>
              <th className="col-longest">{t('board.longest')}</th>
              <th title={t('board.expected_hint')}>{t('board.expected')}</th>
              <th>{t('board.callbacks')}</th>
              <th>{t('board.ready')}</th>
              <th>{t('board.talking')}</th>
              <th>{t('board.acw')}</th>
              <th>{t('board.not_ready')}</th>
            </tr>
          </thead>
          <tbody>
            {queuesInOrder(queues, order).map((queue) => (
              <QueueRow key={queue.id} queue={queue} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function QueueRow({ queue }: { queue: Queue }) {
  const names = useNames();
  const { t } = useSpeech();
  const { idle, reserved, ringing, talking, acw, not_ready: notReady } = queue.agents;
  return (
    <tr className={queue.waiting > 0 ? 'waiting' : ''} data-queue={queue.id}>
      <td className="name">
        {names.queue(queue.id)}
        {queue.open ? null : <span className="closed"> {t('board.closed')}</span>}
      </td>
      <td className="wait">{queue.waiting}</td>
      <td className="wait">{queue.longestSince === null ? '–' : <Timer since={queue.longestSince} />}</td>
      <td className="wait">{queue.expected === null ? '–' : minutes(queue.expected)}</td>
      <td>{queue.callbacks}</td>
      <td className="of-ready">{idle}</td>
      <td className="of-talking">{talking + ringing + reserved}</td>
      <td className="of-acw">{acw}</td>
      <td className="of-not_ready">{notReady}</td>
    </tr>
  );
}
