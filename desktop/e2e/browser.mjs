// What the drivers share: their arguments, Debian's Chromium, a page that is signed in, JSON lines.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--autoplay-policy=no-user-gesture-required',
];

/** The arguments that every driver knows; `more` adds a driver's own. */
export function settings(more = {}) {
  const { values } = parseArgs({
    options: {
      url: { type: 'string', default: 'http://127.0.0.1:8080/' },
      user: { type: 'string' },
      password: { type: 'string', default: 'demo' },
      'screenshot-dir': { type: 'string' },
      'timeout-ms': { type: 'string', default: '60000' },
      chromium: { type: 'string', default: '/usr/bin/chromium' },
      width: { type: 'string', default: '1280' },
      height: { type: 'string', default: '720' },
      language: { type: 'string', default: 'zh' },
      ...more,
    },
  });
  if (values['screenshot-dir']) mkdirSync(values['screenshot-dir'], { recursive: true });
  return { ...values, timeout: Number(values['timeout-ms']) };
}

/** One JSON line: what happened, and when (milliseconds since 1970). */
export function say(event, fields = {}, at = Date.now()) {
  process.stdout.write(`${JSON.stringify({ event, at_ms: at, ...fields })}\n`);
}

export async function launch({ chromium: executablePath, flags = [] }) {
  return chromium.launch({ executablePath, headless: true, args: [...FLAGS, ...flags] });
}

/** A new page, on which nothing is loaded yet. */
export async function open(browser, { width, height, language, timeout }) {
  const viewport = { width: Number(width), height: Number(height) };
  const context = await browser.newContext({ viewport, locale: language === 'en' ? 'en-US' : 'zh-CN', timezoneId: 'Asia/Shanghai' });
  await context.addInitScript((chosen) => localStorage.setItem('hotline.language', chosen), language);
  const page = await context.newPage();
  page.setDefaultTimeout(timeout);
  page.on('pageerror', (error) => say('page_error', { message: String(error) }));
  page.on('console', (line) => {
    if (line.type() === 'error') say('console_error', { message: line.text() });
  });
  return page;
}

/** Signs in and waits until the page of that user is there. */
export async function signIn(page, { url, user, password }) {
  await page.goto(url);
  await page.fill('#user', user);
  await page.fill('#password', password);
  await page.press('#password', 'Enter');
  await page.waitForSelector('[data-testid=who]');
  await page.waitForSelector('.link-open');
  say('signed_in', { user });
}

/** JsSIP as one script. */
export async function jssip() {
  const { build } = await import('vite');
  const entry = fileURLToPath(import.meta.resolve('jssip'));
  const lib = { entry, name: 'JsSIP', formats: ['iife'] };
  const define = { 'process.env.NODE_ENV': '"production"' };
  const built = await build({ configFile: false, logLevel: 'error', define, build: { write: false, lib } });
  return [built].flat()[0].output[0].code;
}

export async function shot(page, { 'screenshot-dir': folder }, name) {
  if (!folder) return;
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path });
  say('screenshot', { path });
}

/** Runs a driver: exit status 0 when it came to its end, 1 with a `failed` line and a picture when not. */
export async function drive(options, run) {
  const browser = await launch(options);
  let page = null;
  try {
    page = await open(browser, options);
    await run(page);
    say('done');
  } catch (error) {
    say('failed', { message: String(error?.message ?? error) });
    if (page) await shot(page, options, 'failed').catch(() => undefined);
    process.exitCode = 1;
  } finally {
    await browser.close();
  }
}
