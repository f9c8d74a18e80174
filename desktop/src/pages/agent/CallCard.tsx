// This call: where it comes from, what it waited for, what the caller keyed.
import { clock } from '../../format/time';
import { useSpeech } from '../../i18n/context';
import { useNames } from '../../state/names';
import type { Pop } from '../../state/reducer';

export function CallCard({ pop }: { pop: Pop | null }) {
  const { t } = useSpeech();
  const names = useNames();
  return (
    <section className="card call">
      <header>
        <h2>{t('pop.call')}</h2>
        {pop?.callback && (
          <span className="brought" data-testid="callback">
            {t('pop.callback')}
          </span>
        )}
        {pop?.brought_by && (
          <span className="brought" data-testid="brought">
            {t(pop.transfer === 'consult' ? 'move.asked_by' : 'move.brought_by', { agent: pop.brought_by })}
          </span>
        )}
        <span className="call-id">{pop?.call_id}</span>
      </header>
      <dl>
        <dt>{t('pop.queue')}</dt>
        <dd>{pop && <b>{names.queue(pop.queue)}</b>}</dd>
        <dt>{t('pop.waited')}</dt>
        <dd>
          {pop && <b className="timer">{clock(pop.waited_ms)}</b>}
          {pop?.callback && <small className="callback-how">{t('pop.callback_how')}</small>}
        </dd>
        <dt>{t('pop.dnis')}</dt>
        <dd>{pop?.dnis}</dd>
        <dt>{t('pop.ivr_path')}</dt>
        <dd className="ivr">
          {pop?.ivr.path.map((node, at) => (
            <span key={at}>{names.node(node)}</span>
          ))}
        </dd>
        <dt>{t('pop.ivr_inputs')}</dt>
        <dd className="ivr keyed">
          {pop?.ivr.inputs.map(({ node, digits }, at) => (
            <span key={at}>
              {names.node(node)} <kbd>{digits}</kbd>
            </span>
          ))}
        </dd>
      </dl>
    </section>
  );
}
