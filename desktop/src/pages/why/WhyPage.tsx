// Why a call went to whom it went, and why not to another (分配原因): for those who steer and inspect.
import { useEffect, useState, type FormEvent } from 'react';

import { useSpeech } from '../../i18n/context';
import { useAsked } from '../../state/asked';
import { useSession } from '../../state/context';
import { Picker } from '../trace/Picker';
import { Moments, Offers } from './Reasons';
import { useAnswer } from './useAnswer';

export default function WhyPage() {
  const { t } = useSpeech();
  const { api } = useSession();
  const [id, open] = useAsked('why');
  const [agent, setAgent] = useState<string | null>(null);
  const offers = useAnswer(id, (signal) => api.why(id ?? '', signal));
  const moments = useAnswer(id && agent ? `${id} ${agent}` : null, (signal) => api.whyAgent(id ?? '', agent ?? '', signal));
  useEffect(() => {
    document.title = `${t('app.name')} · ${t('app.why')}`;
  }, [t]);
  return (
    <main className="why" data-testid="why">
      <Picker id={id} onOpen={open} />
      <section className="card reasons" data-testid="offers" data-call={offers.found?.call_id}>
        <header>
          <h2>{t('why.offers')}</h2>
          <span className="count">{id ?? ''}</span>
        </header>
        <Offers id={id} answer={offers} />
      </section>
      <section className="card reasons" data-testid="moments" data-agent={moments.found?.agent_id}>
        <header>
          <h2>{t('why.ask')}</h2>
        </header>
        <Ask disabled={id === null} onAsk={setAgent} />
        <Moments agent={agent} answer={moments} />
      </section>
    </main>
  );
}

function Ask({ disabled, onAsk }: { disabled: boolean; onAsk(agent: string): void }) {
  const { t } = useSpeech();
  const [typed, setTyped] = useState('');
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (typed.trim()) onAsk(typed.trim());
  };
  return (
    <form className="ask" onSubmit={submit}>
      <input value={typed} disabled={disabled} aria-label={t('why.agent')} placeholder={t('why.agent')} autoComplete="off" data-testid="why-agent" onChange={(event) => setTyped(event.target.value)} />
      <button type="submit" disabled={disabled}>
        {t('trace.show')}
      </button>
    </form>
  );
}
