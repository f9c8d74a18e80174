// What narrows the list of calls. Choices apply at once, texts with Enter.
import { Button, DatePicker, Input, Select } from 'antd';
import dayjs, { type Dayjs } from 'dayjs';
import { useState } from 'react';

import { rfc3339 } from '../../format/time';
import { useSpeech } from '../../i18n/context';
import { useSession } from '../../state/context';
import { useNames } from '../../state/names';
import { useSignal } from '../../state/signal';
import type { CallFilters } from './useCalls';

const OUTCOMES = [
  'answered',
  'abandoned',
  'self_service',
  'abandoned_in_menu',
  'refused',
  'unanswered',
  'turned_away',
  'called_back',
  'error',
  'engine_lost',
] as const;

/** Whole days in the viewer's time zone: from the first one's start to the last one's end. */
export function daysToFilter(days: readonly (Dayjs | null)[] | null): Pick<CallFilters, 'from' | 'until'> {
  const [first, last] = days ?? [];
  return {
    from: first ? rfc3339(first.startOf('day').valueOf()) : undefined,
    until: last ? rfc3339(last.add(1, 'day').startOf('day').valueOf()) : undefined,
  };
}

interface Props {
  filters: CallFilters;
  busy: boolean;
  onSearch(filters: CallFilters): void;
}

export function Filters({ filters, busy, onSearch }: Props) {
  const { t, name } = useSpeech();
  const names = useNames();
  const config = useSignal(useSession().config);
  const [days, setDays] = useState<[Dayjs | null, Dayjs | null] | null>(null);
  const [agent, setAgent] = useState('');
  const [ani, setAni] = useState('');
  const search = (changed: CallFilters): void =>
    onSearch({ ...filters, agent: agent.trim(), ani: ani.replace(/\s/g, ''), ...changed });
  const clear = (): void => {
    setDays(null);
    setAgent('');
    setAni('');
    onSearch({});
  };
  return (
    <form
      className="filters card"
      onSubmit={(event) => {
        event.preventDefault();
        search({});
      }}
    >
      <DatePicker.RangePicker
        className="filter-days"
        value={days}
        allowEmpty
        maxDate={dayjs()}
        onChange={(chosen) => {
          setDays(chosen);
          search(daysToFilter(chosen));
        }}
      />
      <Select
        className="filter-choice"
        allowClear
        placeholder={t('rec.queue')}
        aria-label={t('rec.queue')}
        value={filters.queue ?? null}
        onChange={(queue: string | null) => search({ queue: queue ?? undefined })}
        options={config?.queues.map((queue) => ({ value: queue.code, label: names.queue(queue.code) })) ?? []}
      />
      <Select
        className="filter-choice"
        allowClear
        placeholder={t('rec.outcome')}
        aria-label={t('rec.outcome')}
        value={filters.outcome ?? null}
        onChange={(outcome: string | null) => search({ outcome: outcome ?? undefined })}
        options={OUTCOMES.map((outcome) => ({ value: outcome, label: name('outcome', outcome) }))}
      />
      <Input
        className="filter-agent"
        placeholder={t('rec.agent')}
        aria-label={t('rec.agent')}
        maxLength={64}
        value={agent}
        onChange={(event) => setAgent(event.target.value)}
      />
      <Input
        className="filter-ani"
        placeholder={t('rec.ani')}
        aria-label={t('rec.ani')}
        maxLength={32}
        value={ani}
        onChange={(event) => setAni(event.target.value)}
      />
      <Button type="primary" htmlType="submit" loading={busy} data-testid="search">
        {t('rec.search')}
      </Button>
      <Button onClick={clear}>{t('rec.clear')}</Button>
    </form>
  );
}
