import { describe, expect, it } from 'vitest';

import { named, text, TEXTS, type TextKey } from '../src/i18n/texts';

const entries = Object.entries(TEXTS) as [TextKey, readonly [string, string]][];
const placeholders = (words: string): string[] => (words.match(/\{\w+\}/g) ?? []).sort();

/** Refusals of what this application never sends. */
const NEVER_SHOWN = new Set(['error.bad_id', 'error.id_reused']);

describe('the dictionary', () => {
  it('has every text in both languages', () => {
    for (const [key, words] of entries) {
      expect(words, key).toHaveLength(2);
      expect(words[0].trim(), key).not.toBe('');
      expect(words[1].trim(), key).not.toBe('');
    }
  });

  it('uses the same values in both languages', () => {
    for (const [key, [zh, en]] of entries) expect(placeholders(en), key).toEqual(placeholders(zh));
  });

  it('has Chinese in the Chinese texts and none in the English ones', () => {
    for (const [key, [, en]] of entries) {
      if (!key.startsWith('app.language')) expect(/\p{Script=Han}/u.test(en), `${key}: ${en}`).toBe(false);
    }
  });

  it('has words for every code with which a command is refused', async () => {
    const pages = import.meta.glob('../../docs/protocol.md', { query: '?raw', import: 'default', eager: true });
    const page = String(Object.values(pages)[0]);
    const list = page.slice(page.indexOf('| `malformed` |'), page.indexOf('<!-- end of reply-codes -->'));
    const codes = [...list.matchAll(/^\| `(\w+)` \|/gm)].map((m) => `error.${m[1]}`);
    expect(codes).toContain('error.queue_closed');
    expect(codes.filter((code) => !(code in TEXTS) && !NEVER_SHOWN.has(code))).toEqual([]);
  });

  it('is used by the code, every key of it', async () => {
    const sources = import.meta.glob('../src/**/*.{ts,tsx}', { query: '?raw', import: 'default', eager: true });
    const code = Object.entries(sources)
      .filter(([path]) => !path.endsWith('texts.ts'))
      .map(([, source]) => String(source))
      .join('\n');
    // names from the wire are looked up by group: `reason.${name}`
    const groups = new Set([...code.matchAll(/(?:name|look)\(\s*'(\w+)'|t\(`(\w+)\.\$\{/g)].map((m) => m[1] ?? m[2]));
    groups.add('status').add('state');
    const unused: string[] = [];
    for (const [key] of entries) {
      const group = key.split('.')[0] ?? '';
      if (!code.includes(`'${key}'`) && !groups.has(group)) unused.push(key);
    }
    expect(unused).toEqual([]);
  });
});

describe('a text', () => {
  it('is filled with its values', () => {
    expect(text('zh', 'link.waiting', { seconds: 3, attempt: 2 })).toBe('连接断开，3 秒后重连（第 2 次）');
    expect(text('en', 'role.tier', { level: 1 })).toBe('tier 1');
  });

  it('keeps a place for which there is no value', () => {
    expect(text('en', 'role.tier', {})).toBe('tier {level}');
  });

  it('of a name that is new to us is the name', () => {
    expect(named('zh', 'reason', 'break')).toBe('小休');
    expect(named('zh', 'reason', 'yoga')).toBe('yoga');
  });
});
