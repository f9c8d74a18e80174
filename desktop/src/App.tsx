// Signed in or not, in which language, with which look.
import { App as AntApp, ConfigProvider } from 'antd';
import enUS from 'antd/locale/en_US';
import zhCN from 'antd/locale/zh_CN';
import dayjs from 'dayjs';
import 'dayjs/locale/zh-cn';
import { useEffect, useState } from 'react';

import { Crash } from './components/Crash';
import { LanguageProvider, useSpeech } from './i18n/context';
import { Shell } from './pages/Shell';
import { SignIn } from './pages/SignIn';
import { Session, storedIdentity, type Identity } from './session';
import { SessionContext } from './state/context';
import { THEME } from './theme';

export function App() {
  return (
    <LanguageProvider>
      <Localised />
    </LanguageProvider>
  );
}

function Localised() {
  const { language } = useSpeech();
  dayjs.locale(language === 'zh' ? 'zh-cn' : 'en');
  return (
    <ConfigProvider locale={language === 'zh' ? zhCN : enUS} theme={THEME} button={{ autoInsertSpace: false }} wave={{ disabled: true }}>
      <AntApp component={false}>
        <Crash>
          <Doors />
        </Crash>
      </AntApp>
    </ConfigProvider>
  );
}

/** Outside: sign-in. Inside: the session and its pages. */
function Doors() {
  const [identity, setIdentity] = useState<Identity | null>(storedIdentity);
  const [over, setOver] = useState(false);
  if (!identity) {
    const enter = (who: Identity): void => {
      setOver(false);
      setIdentity(who);
    };
    return <SignIn over={over} onSignedIn={enter} />;
  }
  const leave = (sessionOver: boolean): void => {
    setOver(sessionOver);
    setIdentity(null);
  };
  return <Inside key={identity.token} identity={identity} onLeave={leave} />;
}

function Inside({ identity, onLeave }: { identity: Identity; onLeave(over: boolean): void }) {
  const [session] = useState(() => new Session(identity));
  useEffect(() => {
    session.start();
    return () => session.stop();
  }, [session]);
  useEffect(
    () =>
      session.link.subscribe(() => {
        if (session.link.get().phase !== 'unauthorised') return;
        session.end();
        onLeave(true);
      }),
    [session, onLeave],
  );
  return (
    <SessionContext value={session}>
      <Shell onSignOut={() => onLeave(false)} />
    </SessionContext>
  );
}
