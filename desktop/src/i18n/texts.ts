// Every text a person reads, once in each language: [简体中文, English].
// `{name}` is replaced by a value; both languages must use the same ones (a test checks it).
// They are kept by area, in the folder beside this file.

import { AGENT } from './texts/agent';
import { BOARD } from './texts/board';
import { EVERYWHERE } from './texts/everywhere';
import { QUEUE } from './texts/queue';
import { RECORDS } from './texts/records';

export const TEXTS = {
  ...EVERYWHERE,
  ...AGENT,
  ...RECORDS,
  ...BOARD,
  ...QUEUE,
} as const satisfies Record<string, readonly [string, string]>;

export type TextKey = keyof typeof TEXTS;
export type Language = 'zh' | 'en';
export type Values = Readonly<Record<string, string | number>>;

/** The text of `key` with its values filled in. */
export function text(language: Language, key: TextKey, values?: Values): string {
  const found: string = TEXTS[key][language === 'zh' ? 0 : 1];
  return values ? found.replace(/\{(\w+)\}/g, (all, name: string) => String(values[name] ?? all)) : found;
}

/** The text of a name that came over the wire; the name itself if it is new to us. */
export function named(language: Language, group: string, name: string): string {
  const key = `${group}.${name}`;
  return key in TEXTS ? text(language, key as TextKey) : name;
}
