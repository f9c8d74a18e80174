// Who sees which page.

import type { Role } from '../api/wire';

export type Page = 'agent' | 'board' | 'records' | 'trace' | 'why' | 'messages';

const PAGES: Readonly<Record<Role, readonly Page[]>> = {
  agent: ['agent'],
  supervisor: ['board', 'trace', 'why'],
  inspector: ['records', 'board', 'why'],
  administrator: ['board', 'trace', 'records', 'why', 'agent'],
};

/** The pages of `role`, the first one is where they start. An unknown role sees none. */
export function pagesOf(role: Role, permissions: readonly string[] = []): readonly Page[] {
  const pages = PAGES[role] ?? [];
  return permissions.includes('message.handle') ? [...pages, 'messages'] : pages;
}
