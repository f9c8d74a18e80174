// Lines to carriers (中继): how they are, and what they carry.
import { useSpeech, type Speech } from '../../i18n/context';
import { timeOfDay } from '../../format/time';
import { useDesk } from '../../state/context';
import type { Line } from '../../state/reducer';

/** How a line is, the worst first. */
function health(line: Line): 'down' | 'unregistered' | 'part' | 'up' | 'inward' {
  if (line.targets > 0 && line.reachable === 0) return 'down';
  if (line.registered === false) return 'unregistered';
  if (line.reachable < line.targets) return 'part';
  return line.targets > 0 ? 'up' : 'inward';
}

export function TrunkTable() {
  const speech = useSpeech();
  const { t } = speech;
  const lines = Object.values(useDesk((state) => state.lines)).sort((a, b) => a.id.localeCompare(b.id, 'en'));
  return (
    <section className="card lines" data-testid="lines">
      <header>
        <h2>{t('board.lines')}</h2>
      </header>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>{t('board.line')}</th>
              <th>{t('board.state')}</th>
              <th>{t('board.line_calls')}</th>
              <th>{t('board.refused')}</th>
              <th>{t('board.answered_at')}</th>
            </tr>
          </thead>
          <tbody>
            {lines.map((line) => (
              <Row key={line.id} line={line} speech={speech} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ line, speech }: { line: Line; speech: Speech }) {
  const is = health(line);
  const targets = line.targets > 0 ? ` ${line.reachable}/${line.targets}` : '';
  return (
    <tr data-line={line.id} data-health={is}>
      <td className="name">{line.id}</td>
      <td>
        <span className={`line-state line-${is}`}>
          {speech.name('line', is)}
          {targets}
        </span>
      </td>
      <td className="wait">{line.calls}</td>
      <td className="wait">{line.refused}</td>
      <td className="time">{timeOfDay(line.answeredAt)}</td>
    </tr>
  );
}
