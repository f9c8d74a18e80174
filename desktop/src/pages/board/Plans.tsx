// Emergency plans (应急预案): which are on, and for who may steer a switch for each that asks once more.
import { Popconfirm, Switch } from 'antd';
import { useState } from 'react';

import { useSpeech } from '../../i18n/context';
import { useDesk, useSession } from '../../state/context';

export function Plans() {
  const { t, name } = useSpeech();
  const session = useSession();
  const plans = Object.entries(useDesk((state) => state.plans));
  const [failed, setFailed] = useState<{ plan: string; why: string } | null>(null);
  const steers = session.identity.permissions.includes('floor.steer');
  if (plans.length === 0) return null;
  const put = async (plan: string, on: boolean): Promise<void> => {
    const said = t(on ? 'board.plan_is_on' : 'board.plan_is_off', { plan });
    const code = await session.steer({ type: 'switch_plan', data: { plan, on }, said });
    setFailed(code === null ? null : { plan, why: name('error', code) });
  };
  return (
    <section className="plans" data-testid="plans">
      <b>{t('board.plans')}</b>
      {plans.map(([plan, on]) => (
        <Popconfirm
          key={plan}
          disabled={!steers}
          title={t(on ? 'board.plan_off' : 'board.plan_on', { plan })}
          onConfirm={() => void put(plan, !on)}
        >
          <span>
            {plan} <Switch size="small" checked={on} disabled={!steers} aria-label={plan} />
          </span>
        </Popconfirm>
      ))}
      {failed && <em role="alert">{t('board.plan_failed', failed)}</em>}
    </section>
  );
}
