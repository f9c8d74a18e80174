// The decisions about a call in the engine's own words, which name who was next and who was not asked.
import type { AgentWhy, CallWhy, OfferWhy, Said } from '../../api/wire';
import { instant, timeOfDay } from '../../format/time';
import { useSpeech } from '../../i18n/context';
import { useNames } from '../../state/names';
import type { Answer } from './useAnswer';

/** What the engine says, in the language of the page. */
function useSaid(): (said: Said) => string {
  const { language } = useSpeech();
  return (said) => (language === 'zh' ? said.zh : said.en);
}

export function Offers({ id, answer: { found, failed } }: { id: string | null; answer: Answer<CallWhy> }) {
  const { t, name } = useSpeech();
  if (id === null) return <p className="empty">{t('why.choose')}</p>;
  if (failed) return <p className="empty failed">{name('error', failed)}</p>;
  if (!found) return <p className="empty" aria-busy="true" />;
  if (found.offers.length === 0) return <p className="empty">{t('why.none')}</p>;
  return (
    <ol className="scroll">
      {found.offers.map((offer) => (
        <OfferRow key={offer.offer_id} offer={offer} />
      ))}
    </ol>
  );
}

function OfferRow({ offer }: { offer: OfferWhy }) {
  const names = useNames();
  const said = useSaid();
  return (
    <li data-offer={offer.offer_id}>
      <div className="head">
        <time>{timeOfDay(instant(offer.at))}</time>
        <b>{offer.agent_id}</b>
        <span>{names.queue(offer.queue)}</span>
      </div>
      <p>{said(offer.said)}</p>
    </li>
  );
}

export function Moments({ agent, answer: { found, failed } }: { agent: string | null; answer: Answer<AgentWhy> }) {
  const { t, name } = useSpeech();
  const names = useNames();
  const said = useSaid();
  if (agent === null) return null;
  if (failed) return <p className="empty failed">{name('error', failed)}</p>;
  if (!found) return <p className="empty" aria-busy="true" />;
  if (found.moments.length === 0) return <p className="empty">{t('why.never')}</p>;
  return (
    <ol className="scroll">
      {found.moments.map((moment) => (
        <li key={moment.at} data-reason={moment.reason}>
          <div className="head">
            <time>{timeOfDay(instant(moment.at))}</time>
            <b>{t('why.asked', { agent: found.agent_id })}</b>
            <span>{names.queue(moment.queue)}</span>
          </div>
          <p>{said(moment.said)}</p>
        </li>
      ))}
    </ol>
  );
}
