// The call that the address names (`#/trace/c1-3-42`), and how another one is opened.
import { useEffect, useState } from 'react';

import type { Page } from './pages';

/** The call that `hash` names on `page`. */
export function askedOf(hash: string, page: Page): string | null {
  const [, where, id] = /^#\/(\w+)\/([\w-]+)$/.exec(hash) ?? [];
  return where === page ? (id ?? null) : null;
}

export function useAsked(page: Page): [string | null, (id: string) => void] {
  const [id, setId] = useState(() => askedOf(location.hash, page));
  useEffect(() => {
    const follow = (): void => setId(askedOf(location.hash, page));
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, [page]);
  return [
    id,
    (next) => {
      location.hash = `#/${page}/${next}`;
    },
  ];
}
