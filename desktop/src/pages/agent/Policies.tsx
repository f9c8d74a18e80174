// What the caller is insured for, and the claims of the policy that is looked at.
import { useEffect, useState, type KeyboardEvent } from 'react';

import type { PolicyData } from '../../api/wire';
import { yuan } from '../../format/value';
import { useSpeech } from '../../i18n/context';
import type { Pop } from '../../state/reducer';

/** Rows of grey bars while the look-up is under way. */
const BONES = [0, 1, 2];

export function Policies({ pop }: { pop: Pop | null }) {
  const { t } = useSpeech();
  const policies = pop?.policies ?? [];
  const [chosen, setChosen] = useState(0);
  useEffect(() => setChosen(0), [pop?.call_id]);
  const policy = policies[Math.min(chosen, policies.length - 1)] ?? null;
  const move = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    setChosen((now) => Math.max(0, Math.min(policies.length - 1, now + step)));
  };
  return (
    <div className="agent-middle">
      <section className="card policies" data-testid="policies">
        <header>
          <h2>{t('pop.policies')}</h2>
          <span className="count">{policies.length > 0 ? policies.length : ''}</span>
        </header>
        <div className="scroll" tabIndex={0} onKeyDown={move}>
          <table>
            <PolicyHead />
            <tbody>
              {pop?.lookup === 'pending' && BONES.map((row) => <BoneRow key={row} />)}
              {policies.map((one, at) => (
                <PolicyRow
                  key={one.policy_number}
                  policy={one}
                  chosen={one === policy}
                  onChoose={() => setChosen(at)}
                />
              ))}
            </tbody>
          </table>
          {pop && pop.lookup !== 'pending' && policies.length === 0 && (
            <p className="empty">{t('pop.no_policies')}</p>
          )}
        </div>
      </section>
      <Claims policy={policy} shown={pop !== null && pop.lookup !== 'pending'} />
    </div>
  );
}

function PolicyHead() {
  const { t } = useSpeech();
  return (
    <thead>
      <tr>
        <th>{t('policy.number')}</th>
        <th>{t('policy.plate')}</th>
        <th className="col-status">{t('policy.status')}</th>
        <th className="col-period">{t('policy.period')}</th>
        <th className="col-money">{t('policy.premium')}</th>
        <th className="col-claims">{t('policy.claims')}</th>
      </tr>
    </thead>
  );
}

function PolicyRow({ policy, chosen, onChoose }: { policy: PolicyData; chosen: boolean; onChoose(): void }) {
  const { name } = useSpeech();
  return (
    <tr className={chosen ? 'chosen' : ''} aria-selected={chosen} onClick={onChoose}>
      <td>
        <b className="number">{policy.policy_number}</b>
        <small>{policy.product}</small>
      </td>
      <td>
        <b>{policy.plate}</b>
        <small>{policy.vehicle}</small>
      </td>
      <td>
        <span className={`policy-status policy-${policy.status}`}>{name('policy', policy.status)}</span>
      </td>
      <td className="period">
        <span>{policy.starts_on}</span>
        <span>{policy.ends_on}</span>
      </td>
      <td className="money">{yuan(policy.premium_fen)}</td>
      <td className="money">{policy.claims.length}</td>
    </tr>
  );
}

function BoneRow() {
  return (
    <tr className="bones">
      {['w70', 'w50', 'w50', 'w70', 'w50', 'w30'].map((width, at) => (
        <td key={at}>
          <i className={`bone ${width}`} />
        </td>
      ))}
    </tr>
  );
}

function Claims({ policy, shown }: { policy: PolicyData | null; shown: boolean }) {
  const { t, name } = useSpeech();
  return (
    <section className="card claims">
      <header>
        <h2>{t('pop.claims')}</h2>
        <span className="number">{policy?.policy_number}</span>
      </header>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>{t('claim.number')}</th>
              <th>{t('claim.lost_on')}</th>
              <th className="col-status">{t('claim.status')}</th>
              <th className="col-money">{t('claim.paid')}</th>
            </tr>
          </thead>
          <tbody>
            {policy?.claims.map((claim) => (
              <tr key={claim.claim_number}>
                <td className="number">{claim.claim_number}</td>
                <td>{claim.lost_on}</td>
                <td>
                  <span className={`claim-status claim-${claim.status}`}>{name('claim', claim.status)}</span>
                </td>
                <td className="money">{claim.status === 'open' ? '–' : yuan(claim.paid_fen)}</td>
              </tr>
            ))}
          </tbody>
        </table>
        {shown && (policy?.claims.length ?? 0) === 0 && <p className="empty">{t('pop.no_claims')}</p>}
      </div>
    </section>
  );
}
