// Who sees which page.

import type { Role } from '../api/wire';

export type Page = 'agent' | 'board' | 'records' | 'trace';

const PAGES: Readonly<Record<Role, readonly Page[]>> = {
  agent: ['agent'],
  supervisor: ['board', 'trace'],
  inspector: ['records', 'board'],
  administrator: ['board', 'trace', 'records', 'agent'],
};

/** The pages of `role`, the first one is where they start. An unknown role sees none. */
export function pagesOf(role: Role): readonly Page[] {
  return PAGES[role] ?? [];
}
