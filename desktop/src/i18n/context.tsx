// The chosen language, kept over visits, and the functions that speak it.
import { createContext, useCallback, useContext, useMemo, useState, type ReactNode } from 'react';

import { named, text, type Language, type TextKey, type Values } from './texts';

const STORED = 'hotline.language';

export interface Speech {
  language: Language;
  /** The text of a key. */
  t(key: TextKey, values?: Values): string;
  /** The text of a name from the wire, such as a reason or an outcome. */
  name(group: string, name: string): string;
  /** Of a name that the server sends in both languages. */
  pick(both: { zh: string; en: string }): string;
  toggle(): void;
}

const Context = createContext<Speech | null>(null);

/** What speaks `language`. */
export function speechIn(language: Language, toggle: () => void): Speech {
  return {
    language,
    t: (key, values) => text(language, key, values),
    name: (group, name) => named(language, group, name),
    pick: (both) => both[language],
    toggle,
  };
}

/** Speaks `speech` to everything inside; the application itself uses `LanguageProvider`. */
export function Speaking({ speech, children }: { speech: Speech; children: ReactNode }) {
  return <Context value={speech}>{children}</Context>;
}

function stored(): Language {
  const asked = new URLSearchParams(location.search).get('lang');
  const kept = asked ?? localStorage.getItem(STORED);
  return kept === 'en' ? 'en' : 'zh';
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(stored);
  const toggle = useCallback(() => {
    setLanguage((now) => {
      const next = now === 'zh' ? 'en' : 'zh';
      localStorage.setItem(STORED, next);
      return next;
    });
  }, []);
  const speech = useMemo<Speech>(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
    return speechIn(language, toggle);
  }, [language, toggle]);
  return <Speaking speech={speech}>{children}</Speaking>;
}

export function useSpeech(): Speech {
  const speech = useContext(Context);
  if (!speech) throw new Error('useSpeech outside of LanguageProvider');
  return speech;
}
