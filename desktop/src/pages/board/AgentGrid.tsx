// Every agent: the state in word, colour and shape, and since when.
import type { KeyboardEvent } from 'react';

import { markText, StateMark } from '../../components/StateMark';
import { Timer } from '../../components/Timer';
import { useSpeech } from '../../i18n/context';
import { agentsInOrder } from '../../state/board';
import { useDesk } from '../../state/context';
import { markOf } from '../../state/marks';
import type { Agent } from '../../state/reducer';
import { asking, type Menu } from '../../state/steer';
import { moveByArrow } from './useArrows';
import { BOARD_KEYS } from './useSteering';

type OnSteer = ((menu: Menu) => void) | null;

/** `onSteer` opens what may be done about an agent; null for who may not. */
export function AgentGrid({ onSteer = null }: { onSteer?: OnSteer }) {
  const { t } = useSpeech();
  const known = useDesk((state) => state.agents);
  const agents = agentsInOrder(known);
  const asks = asking(known).length;
  const signedIn = agents.filter((agent) => agent.status !== 'signed_out').length;
  return (
    <section className="card agents" data-testid="agents">
      <header>
        <h2>{t('board.agents')}</h2>
        {onSteer && <kbd>{BOARD_KEYS.agents}</kbd>}
        {onSteer && (
          <button
            type="button"
            className={`head-button ${asks > 0 ? 'wanted' : ''}`}
            data-testid="asks"
            onClick={() => onSteer({ of: 'asks' })}
          >
            {t('board.asks')} <b>{asks}</b> <kbd>{BOARD_KEYS.asks}</kbd>
          </button>
        )}
        <span className="count">{t('board.signed_in', { count: signedIn })}</span>
      </header>
      <div className="scroll">
        <div className="agents-grid" onKeyDown={moveByArrow}>
          {agents.map((agent) => (
            <AgentTile key={agent.id} agent={agent} onSteer={onSteer} />
          ))}
        </div>
        {agents.length === 0 && <p className="empty">{t('board.no_agents')}</p>}
      </div>
    </section>
  );
}

function AgentTile({ agent, onSteer }: { agent: Agent; onSteer: OnSteer }) {
  const speech = useSpeech();
  const mark = markOf(agent);
  const gone = !agent.phoneReachable && mark !== 'signed_out' && agent.reason !== 'unreachable';
  const steers = onSteer && {
    role: 'button',
    tabIndex: 0,
    'data-steer': agent.id,
    onClick: () => onSteer({ of: 'agent', id: agent.id }),
    onKeyDown: (event: KeyboardEvent) => {
      if (event.key !== 'Enter') return;
      event.preventDefault();
      onSteer({ of: 'agent', id: agent.id });
    },
  };
  return (
    <article className={`agent-tile of-${mark}`} data-agent={agent.id} data-mark={mark} {...steers}>
      <StateMark mark={mark} size={18} />
      <b className="agent-id">{agent.id}</b>
      <Timer since={agent.since} className="agent-since" />
      <span className="agent-word">
        {agent.asks ? (
          <em>{speech.t('steer.asks', { reason: speech.name('reason', agent.asks) })}</em>
        ) : (
          markText(agent, speech)
        )}
        {gone && <em> · {speech.t('board.phone_gone')}</em>}
      </span>
    </article>
  );
}
