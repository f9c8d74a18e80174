// Every agent: the state in word, colour and shape, and since when.
import { markText, StateMark } from '../../components/StateMark';
import { Timer } from '../../components/Timer';
import { useSpeech } from '../../i18n/context';
import { agentsInOrder } from '../../state/board';
import { useDesk } from '../../state/context';
import { markOf } from '../../state/marks';
import type { Agent } from '../../state/reducer';

export function AgentGrid() {
  const { t } = useSpeech();
  const agents = agentsInOrder(useDesk((state) => state.agents));
  const signedIn = agents.filter((agent) => agent.status !== 'signed_out').length;
  return (
    <section className="card agents" data-testid="agents">
      <header>
        <h2>{t('board.agents')}</h2>
        <span className="count">{t('board.signed_in', { count: signedIn })}</span>
      </header>
      <div className="scroll">
        <div className="agents-grid">
          {agents.map((agent) => (
            <AgentTile key={agent.id} agent={agent} />
          ))}
        </div>
        {agents.length === 0 && <p className="empty">{t('board.no_agents')}</p>}
      </div>
    </section>
  );
}

function AgentTile({ agent }: { agent: Agent }) {
  const speech = useSpeech();
  const mark = markOf(agent);
  const gone = !agent.phoneReachable && mark !== 'signed_out' && agent.reason !== 'unreachable';
  return (
    <article className={`agent-tile of-${mark}`} data-agent={agent.id} data-mark={mark}>
      <StateMark mark={mark} size={18} />
      <b className="agent-id">{agent.id}</b>
      <Timer since={agent.since} className="agent-since" />
      <span className="agent-word">
        {markText(agent, speech)}
        {gone && <em> · {speech.t('board.phone_gone')}</em>}
      </span>
    </article>
  );
}
