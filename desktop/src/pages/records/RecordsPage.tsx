// The inspector's page (录音质检): find a call, see what happened in it, hear it.
import { useEffect } from 'react';

import type { CallRecord } from '../../api/wire';
import { useSpeech } from '../../i18n/context';
import { takesKey } from '../../player/usePlayerKeys';
import { useAsked } from '../../state/asked';
import { CallList } from './CallList';
import { Detail } from './Detail';
import { Filters } from './Filters';
import { useCalls } from './useCalls';

export default function RecordsPage() {
  const { t } = useSpeech();
  const calls = useCalls();
  const [chosen, choose] = useAsked('records');
  const { items } = calls;
  useEffect(() => {
    document.title = `${t('app.name')} · ${t('app.records')}`;
  }, [t]);
  useUpDown(items, chosen, choose);
  return (
    <main className="records" data-testid="records">
      <Filters filters={calls.filters} busy={calls.busy} onSearch={calls.search} />
      <CallList calls={calls} chosen={chosen} onChoose={choose} />
      <Detail id={chosen} />
    </main>
  );
}

/** The arrow keys go from call to call. */
function useUpDown(items: readonly CallRecord[], chosen: string | null, choose: (id: string) => void): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      const step = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
      if (step === 0 || event.ctrlKey || event.altKey || takesKey(event.target, event.key)) return;
      event.preventDefault();
      const at = items.findIndex((call) => call.call_id === chosen);
      const to = items[at < 0 ? 0 : Math.max(0, Math.min(items.length - 1, at + step))];
      if (to) choose(to.call_id);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [items, chosen, choose]);
}
