// The live board (监控墙): queues, agents and calls as they are now.
import { useEffect } from 'react';

import { Timer } from '../../components/Timer';
import { useSpeech } from '../../i18n/context';
import type { TextKey } from '../../i18n/texts';
import { totals } from '../../state/board';
import { useDesk } from '../../state/context';
import type { Mark } from '../../state/marks';
import { AgentGrid } from './AgentGrid';
import { CallTable } from './CallTable';
import { QueueTable } from './QueueTable';
import { Plans } from './Plans';
import { Steer } from './Steer';
import { TrunkTable } from './TrunkTable';
import { useSteering } from './useSteering';

const AGENT_TILES: readonly [TextKey, readonly Mark[]][] = [
  ['board.ready', ['ready']],
  ['board.busy', ['reserved', 'ringing']],
  ['board.talking', ['talking']],
  ['board.acw', ['acw']],
  ['board.not_ready', ['not_ready']],
  ['board.signed_out', ['signed_out']],
];

export default function BoardPage() {
  const { t } = useSpeech();
  const { menu, open, close } = useSteering();
  useEffect(() => {
    document.title = `${t('app.name')} · ${t('app.board')}`;
  }, [t]);
  return (
    <main className="board" data-testid="board">
      <Tiles />
      <div className="board-left">
        <QueueTable onSteer={open} />
        <TrunkTable />
        <CallTable onSteer={open} />
      </div>
      <AgentGrid onSteer={open} />
      <Alarms />
      {menu && <Steer menu={menu} onClose={close} />}
    </main>
  );
}

function Tiles() {
  const { t } = useSpeech();
  const state = useDesk((all) => all);
  const { waiting, longestSince, agents, calls } = totals(state);
  return (
    <section className="tiles">
      <div className={`tile ${waiting > 0 ? 'tile-warn' : ''}`}>
        <span>{t('board.waiting')}</span>
        <b data-testid="total-waiting">{waiting}</b>
      </div>
      <div className={`tile tile-wide ${waiting > 0 ? 'tile-warn' : ''}`}>
        <span>{t('board.longest')}</span>
        <b>{longestSince === null ? '–' : <Timer since={longestSince} />}</b>
      </div>
      {AGENT_TILES.map(([key, marks]) => (
        <div key={key} className={`tile tile-${marks[0] ?? ''}`}>
          <span>{t(key)}</span>
          <b>{marks.reduce((sum, mark) => sum + agents[mark], 0)}</b>
        </div>
      ))}
      <div className="tile">
        <span>{t('board.calls')}</span>
        <b data-testid="total-calls">{calls}</b>
      </div>
    </section>
  );
}

function Alarms() {
  const { t } = useSpeech();
  const alarms = Object.entries(useDesk((state) => state.alarms));
  return (
    <footer className="board-foot">
      <section className={`alarms ${alarms.length > 0 ? 'raised' : ''}`} role="status" data-testid="alarms">
        <b>{t('board.alarms')}</b>
        {alarms.length === 0 && <span>{t('board.no_alarms')}</span>}
        {alarms.map(([alarm, { detail }]) => (
          <span key={alarm} title={detail}>
            {alarm}：{detail}
          </span>
        ))}
      </section>
      <Plans />
    </footer>
  );
}
