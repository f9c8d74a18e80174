// Who is calling. Every field has its place before its value is known, so that nothing moves.
import type { ReactNode } from 'react';

import type { LookupResult } from '../../api/wire';
import { identity, phone } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import type { Agent, Pop } from '../../state/reducer';

export function CustomerCard({ pop, me }: { pop: Pop | null; me: Agent | null }) {
  const { t, name } = useSpeech();
  const customer = pop?.customer ?? null;
  const pending = pop?.lookup === 'pending';
  const value = (shown: string | undefined): ReactNode =>
    pending ? <i className="bone" /> : (shown ?? '–');
  return (
    <section className="card customer" data-testid="pop" data-offer={pop?.offer_id} data-lookup={pop?.lookup}>
      <header>
        <h2>{t('pop.customer')}</h2>
        {pop && <LookupWord lookup={pop.lookup} />}
      </header>
      <div className={pop ? 'ani' : 'ani none'} data-testid="pop-ani">
        {pop ? phone(pop.ani) : t(me?.status === 'ready' ? 'pop.idle' : 'pop.idle_not_ready')}
      </div>
      <div className="customer-name" data-testid="pop-name">
        {pop && value(customer?.name ?? t('app.unknown'))}
        {customer && (
          <span className={`class class-${customer.class}`}>{name('class', customer.class)}</span>
        )}
      </div>
      <dl>
        <dt>{t('pop.city')}</dt>
        <dd>{pop && value(customer?.city)}</dd>
        <dt>{t('pop.phone')}</dt>
        <dd>{pop && value(customer && phone(customer.phone) || undefined)}</dd>
        <dt>{t('pop.identity')}</dt>
        <dd>{pop && value(customer && identity(customer.identity_number) || undefined)}</dd>
        <dt>{t('pop.customer_id')}</dt>
        <dd>{pop && value(customer?.customer_id)}</dd>
      </dl>
    </section>
  );
}

function LookupWord({ lookup }: { lookup: LookupResult }) {
  const { name } = useSpeech();
  return <span className={`lookup lookup-${lookup}`}>{name('lookup', lookup)}</span>;
}
