// The SIP messages of a call (信令跟踪): which call, its ladder, one message in full.
import { useEffect, useRef, useState } from 'react';

import { ApiError } from '../../api/http';
import type { CallTrace } from '../../api/wire';
import { useSpeech } from '../../i18n/context';
import { useAsked } from '../../state/asked';
import { useSession } from '../../state/context';
import { Ladder } from './Ladder';
import { MessageCard } from './MessageCard';
import { Picker } from './Picker';

export default function TracePage() {
  const { t } = useSpeech();
  const [id, open] = useAsked('trace');
  const { trace, failed, again } = useTrace(id);
  const [chosen, setChosen] = useState(0);
  useEffect(() => {
    document.title = `${t('app.name')} · ${t('app.trace')}`;
  }, [t]);
  useEffect(() => setChosen(0), [id]);
  return (
    <main className="trace" data-testid="trace">
      <Picker id={id} onOpen={open} />
      <section className="card ladder" data-testid="ladder" data-call={trace?.call_id}>
        <LadderHead id={id} trace={trace} onAgain={again} />
        <Ladder id={id} trace={trace} failed={failed} chosen={chosen} onChoose={setChosen} />
      </section>
      <MessageCard item={trace?.items[chosen] ?? null} />
    </main>
  );
}

function LadderHead({ id, trace, onAgain }: { id: string | null; trace: CallTrace | null; onAgain(): void }) {
  const { t } = useSpeech();
  const { api } = useSession();
  const link = useRef<HTMLAnchorElement>(null);
  const save = async (): Promise<void> => {
    const anchor = link.current;
    if (!id || !anchor) return;
    // Who looks in vain sees why in the ladder; a failed download leaves what there was.
    const blob = await api.capture(id).catch(() => null);
    if (!blob) return;
    anchor.href = URL.createObjectURL(blob);
    anchor.click();
    URL.revokeObjectURL(anchor.href);
  };
  const empty = !trace || trace.items.length === 0;
  return (
    <header>
      <h2>{t('trace.ladder')}</h2>
      <span className="count">{id ?? ''}</span>
      <span className="ladder-acts">
        <button type="button" disabled={id === null} onClick={onAgain} data-testid="trace-again">
          {t('trace.again')}
        </button>
        <button type="button" disabled={empty} onClick={() => void save()} data-testid="trace-save">
          {t('trace.save')}
        </button>
      </span>
      <a ref={link} download={`${id ?? 'trace'}.pcap`} hidden>
        pcap
      </a>
    </header>
  );
}

/** The trace of the call `id`, read when it is chosen or asked for again. */
function useTrace(id: string | null): { trace: CallTrace | null; failed: string | null; again(): void } {
  const { api } = useSession();
  const [trace, setTrace] = useState<CallTrace | null>(null);
  const [failed, setFailed] = useState<string | null>(null);
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    setFailed(null);
    // What is read again stays until the new one is there.
    setTrace((before) => (before?.call_id === id ? before : null));
    if (id === null) return undefined;
    const control = new AbortController();
    api.trace(id, control.signal).then(setTrace, (error: unknown) => {
      if (control.signal.aborted) return;
      setTrace(null);
      setFailed(error instanceof ApiError ? error.code : 'unreachable');
    });
    return () => control.abort();
  }, [api, id, asked]);
  return { trace, failed, again: () => setAsked((times) => times + 1) };
}
