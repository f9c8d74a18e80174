// The frame of every page: which page, how the connection is, who is signed in.
import { Button } from 'antd';
import { lazy, Suspense, useEffect, useState } from 'react';

import { LinkState } from '../components/LinkState';
import { useSpeech } from '../i18n/context';
import { useSession } from '../state/context';
import { pagesOf, type Page } from '../state/pages';
import { AgentPage } from './agent/AgentPage';

const BoardPage = lazy(() => import('./board/BoardPage'));
const TracePage = lazy(() => import('./trace/TracePage'));
const RecordsPage = lazy(() => import('./records/RecordsPage'));
const WhyPage = lazy(() => import('./why/WhyPage'));
const MessagesPage = lazy(() => import('./messages/MessagesPage'));

/** The page of the address (`#/board`), if this role may see it; else the role's first. */
function usePage(pages: readonly Page[]): [Page | undefined, (page: Page) => void] {
  const read = (): Page | undefined => {
    const asked = location.hash.replace(/^#\//, '').split('/')[0];
    return pages.find((page) => page === asked) ?? pages[0];
  };
  const [page, setPage] = useState(read);
  useEffect(() => {
    const follow = (): void => setPage(read());
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  });
  return [
    page,
    (next) => {
      location.hash = `#/${next}`;
    },
  ];
}

export function Shell({ onSignOut }: { onSignOut(): void }) {
  const session = useSession();
  const { t, name, toggle } = useSpeech();
  const { identity } = session;
  const pages = pagesOf(identity.role, identity.permissions);
  const [page, open] = usePage(pages);
  const [leaving, setLeaving] = useState(false);
  const signOut = (): void => {
    setLeaving(true);
    void session.leave().then(onSignOut);
  };
  return (
    <div className={`shell page-${page ?? 'none'}`}>
      <header className="shell-head">
        <span className="brand">
          <img src="/icon.svg" alt="" width={24} height={24} />
          {t('app.name')}
        </span>
        <nav>
          {pages.map((one) => (
            <button
              key={one}
              type="button"
              className={one === page ? 'current' : ''}
              aria-current={one === page ? 'page' : undefined}
              onClick={() => open(one)}
            >
              {t(`app.${one}`)}
            </button>
          ))}
        </nav>
        <LinkState />
        <Button type="text" size="small" onClick={toggle} title={t('app.language_hint')}>
          {t('app.language')}
        </Button>
        <span className="who" data-testid="who">
          <b>{identity.name}</b> {identity.user} {' · '}
          {name('role', identity.role)}
          {identity.tier === null ? '' : ` · ${t('role.tier', { level: identity.tier })}`}
        </span>
        <Button type="text" size="small" disabled={leaving} onClick={signOut} data-testid="leave">
          {t('app.sign_out')}
        </Button>
      </header>
      <Suspense fallback={<div className="page-loading" />}>
        {page === 'agent' && <AgentPage />}
        {page === 'board' && <BoardPage />}
        {page === 'trace' && <TracePage />}
        {page === 'records' && <RecordsPage />}
        {page === 'why' && <WhyPage />}
        {page === 'messages' && <MessagesPage />}
      </Suspense>
    </div>
  );
}
