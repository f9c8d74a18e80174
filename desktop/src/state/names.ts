// The words for what the configuration names: queues, dispositions, menu nodes.
import type { Named } from '../api/wire';
import { useSpeech } from '../i18n/context';
import { useSession } from './context';
import { useSignal } from './signal';

export interface Names {
  queue(code: string | null): string;
  disposition(code: string | null): string;
  node(name: string): string;
}

/** Names in the chosen language; the code itself where nobody has words for it. */
export function useNames(): Names {
  const { pick, name } = useSpeech();
  const config = useSignal(useSession().config);
  const look = (group: string, list: readonly Named[] | undefined, code: string | null): string => {
    if (code === null) return '–';
    const found = list?.find((one) => one.code === code);
    // a configuration that names things in one language only sends it as both
    const words = found && found.zh !== found.en ? pick(found) : name(group, code);
    return words === code && found ? pick(found) || code : words;
  };
  return {
    queue: (code) => look('queue', config?.queues, code),
    disposition: (code) => look('disposition', config?.dispositions, code),
    node: (node) => name('node', node),
  };
}
