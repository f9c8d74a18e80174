// Takes a picture of every page in both languages and sizes, from the mock, to be looked at.
//   node desktop/e2e/screens.mjs --screenshot-dir DIR [--only agent]
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { launch, open, say, settings, shot, signIn } from './browser.mjs';

const PORT = 8097;
const URL_ = `http://127.0.0.1:${PORT}/`;
const options = { ...settings({ only: { type: 'string' } }), url: URL_ };
const SIZES = [
  ['1280', '720'],
  ['1920', '1080'],
];

const mock = spawn(process.execPath, [fileURLToPath(new URL('../mock/server.mjs', import.meta.url)), '--port', String(PORT), '--manual', '--robots', '17']);
await new Promise((ready) => mock.stdout.once('data', ready));
mock.stderr.pipe(process.stderr);

const make = (path) => fetch(`${URL_}mock/${path}`, { method: 'POST' });
/** Until nothing moves any more: what is still fading in is drawn half. */
const still = (page) => page.waitForFunction(() => document.getAnimations().every(({ playState, effect }) =>
  playState !== 'running' || effect?.getTiming().iterations === Infinity));
/** A sign-in that the server has answered, and the page has told. */
const refused = async (page, password) => {
  await page.fill('#password', password);
  const answer = page.waitForResponse((response) => response.request().method() === 'POST');
  await page.press('#password', 'Enter');
  await answer;
  await page.waitForSelector('.signin-told.error');
};
const mark = (page, of) => page.waitForSelector(`[data-testid=state][data-mark=${of}]`);

const PAGES = {
  signin: async (page, take) => {
    await page.goto(URL_);
    await page.waitForSelector('#user');
    await take('signin');
    await page.fill('#user', `nobody-${Math.random()}`);
    await refused(page, 'wrong');
    await take('signin-wrong');
    for (let nth = 0; nth < 3 && (await page.isEnabled('button[type=submit]')); nth += 1) await refused(page, 'wrong');
    await page.waitForSelector('button[type=submit]:disabled');
    await take('signin-slowed');
    await page.fill('#user', '8002');
    await page.waitForSelector('button[type=submit]:enabled', { timeout: 70_000 });
    await make('drop?ms=1500');
    await page.fill('#password', 'demo');
    await page.press('#password', 'Enter');
    await page.waitForSelector('.signin-told.error');
    await take('signin-unreachable');
    // The next page is asked of a server that is there again.
    while (!(await fetch(URL_).then(({ ok }) => ok, () => false)));
  },
  agent: async (page, take) => {
    await make('agent?agent=8003&status=not_ready&reason=signed_in&state=idle');
    await signIn(page, { ...options, user: '8003', password: 'demo' });
    await mark(page, 'not_ready');
    await take('agent-not-ready');
    await page.keyboard.press('F4');
    await page.waitForSelector('.ant-dropdown:not(.ant-dropdown-hidden) .reason');
    await still(page);
    await take('agent-reasons');
    await page.keyboard.press('Escape');
    await make('call?agent=8003&lookup=pending&until=ringing&queue=claims');
    await page.waitForSelector('[data-lookup=pending]');
    await mark(page, 'ringing');
    await take('agent-pending');
    await make('call?agent=8003&lookup=found&until=ringing&policies=4&queue=claims');
    await page.waitForSelector('[data-lookup=found]');
    await mark(page, 'ringing');
    await take('agent-ringing');
    await make('call?agent=8003&lookup=unknown&until=talking');
    await page.waitForSelector('[data-lookup=unknown]');
    await page.waitForSelector('[data-mark=talking]');
    await take('agent-unknown');
    await make('call?agent=8003&lookup=found&until=talking&policies=20');
    await page.waitForSelector('[data-mark=talking]');
    await page.waitForSelector('[data-lookup=found]');
    await page.keyboard.press('F4');
    await page.keyboard.press('1');
    await page.waitForFunction(() => /小休|Break/.test(document.querySelector('[data-testid=state] small').textContent));
    await page.waitForSelector('.ant-dropdown', { state: 'hidden' });
    await take('agent-talking');
    await page.keyboard.press('Shift+ScrollLock');
    await page.waitForSelector('[data-testid=act-resume_recording]:enabled');
    await take('agent-paused');
    await page.keyboard.press('Shift+Pause');
    await make('agent?agent=8002&status=ready&state=idle');
    await page.waitForSelector('[data-testid=act-transfer]:enabled');
    await page.keyboard.press('Shift+F2');
    await page.waitForSelector('[data-testid=picker]');
    await page.waitForSelector('[data-testid=agent-8002] .can');
    await take('agent-picker');
    await page.fill('[data-testid=picker-field]', '138-0013-8000');
    await page.waitForSelector('[data-testid=number]');
    await take('agent-picker-number');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=move][data-guest]');
    await take('agent-number-called');
    await make('back?agent=8003&end=busy');
    await page.waitForSelector('[data-testid=moved] .failed');
    await take('agent-number-busy');
    await page.keyboard.press('Shift+F8');
    await page.waitForSelector('[data-testid=agent-8002] .can');
    await page.click('[data-testid=agent-8002]');
    await page.waitForSelector('[data-testid=act-conference]:enabled');
    await take('agent-consulting');
    await make('back?agent=8003&end=guest_left');
    await make('asked?agent=8003&by=8011');
    await page.waitForSelector('.brought');
    await still(page);
    await take('agent-came-back');
    await make('drop?ms=4000');
    await page.waitForSelector('.link-lost');
    await take('agent-disconnected');
    await page.waitForSelector('.link-open', { timeout: 20_000 });
    await make('end?agent=8003');
    await page.waitForSelector('[data-mark=acw]');
    await page.keyboard.press('2');
    await page.waitForSelector('[data-testid^=disposition-][aria-checked=true]');
    await take('agent-acw');
    await page.keyboard.press('F9');
    await mark(page, 'not_ready');
    await take('agent-after');
    await make('asks?agent=8003&reason=training');
    await page.waitForFunction(() => /等待批准|asked for/.test(document.querySelector('[data-testid=state] small').textContent));
    await take('agent-asks');
    await make('asks?agent=8003');
    await make('call?agent=8003&lookup=found&until=ringing&policies=2&queue=claims&callback=true');
    await page.waitForSelector('[data-testid=callback]');
    await take('agent-callback');
    await make('agent?agent=8003&state=idle&status=not_ready&reason=break');
    await make('agent?agent=8003&reachable=false');
    await page.waitForFunction(() => /未注册|not registered/.test(document.querySelector('[data-testid=state] small').textContent));
    await take('agent-phone-gone');
    await make('agent?agent=8003');
  },
  dial: async (page, take) => {
    await make('agent?agent=8011&status=ready&state=idle');
    await signIn(page, { ...options, user: '8011', password: 'demo' });
    await mark(page, 'ready');
    await page.keyboard.press('Shift+Insert');
    await page.keyboard.type('138-0013-8000');
    await page.waitForSelector('[data-testid=dial] button:enabled');
    await still(page);
    await take('dial');
    await make('call?agent=8011&lookup=found&until=talking&policies=4');
    await mark(page, 'talking');
    await page.waitForSelector('[data-lookup=found]');
    await take('dial-closed');
  },
  inside: async (page, take) => {
    await make('agent?agent=8002&status=not_ready&reason=break&state=idle');
    await signIn(page, { ...options, user: '8002', password: 'demo' });
    await mark(page, 'not_ready');
    await take('dial-inside');
    await page.keyboard.press('Shift+Insert');
    await page.keyboard.type('138-0013-8000');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=dial-told].failed');
    await still(page);
    await take('dial-refused');
  },
  board: async (page, take) => {
    await make('wait?queue=claims&waited=83000');
    await make('wait?queue=claims&waited=12000');
    await make('alarm?alarm=recordings&detail=disk full: /recordings has 0 bytes left');
    await make('agent?agent=8002&reachable=false&status=ready');
    await signIn(page, { ...options, user: 'lead', password: 'demo' });
    await page.waitForSelector('[data-agent="8002"]');
    await page.waitForSelector('[data-queue=claims].waiting');
    await page.waitForSelector('.alarms.raised');
    await page.waitForSelector('[data-testid=lines] tbody tr');
    await still(page);
    await take('board');
    await page.focus('[data-steer]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer-move]');
    await take('steer-call');
    await page.keyboard.press('2');
    await page.waitForSelector('[data-testid=steer-field]');
    await take('steer-assign');
    await page.keyboard.press('Escape');
    await page.keyboard.press('3');
    await page.waitForSelector('[data-testid=steer-confirm]');
    await take('steer-confirm');
    await make('refuse?code=being_offered');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('[data-testid=steer-told]').textContent !== '' && document.querySelector('[data-testid=steer-do]:enabled'));
    await still(page);
    await take('steer-refused');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer]', { state: 'detached' });
    await make('callback?queue=claims&missed=1');
    await make('callback?queue=general');
    await page.keyboard.press('F9');
    await page.waitForSelector('[data-testid^=steer-callback-]');
    await take('steer-callbacks');
    await page.keyboard.press('Escape');
    await make('asks?agent=8002&reason=training');
    await make('asks?agent=8011&reason=back_office');
    await page.keyboard.press('F8');
    await page.waitForSelector('[data-testid=steer-agent-8011]');
    await take('steer-asks');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer-approve]');
    await take('steer-agent');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.locator('[data-testid=plans] button[role=switch]').first().click();
    await page.waitForSelector('.ant-popconfirm');
    await still(page);
    await take('board-plan');
    await page.locator('.ant-popconfirm-buttons .ant-btn-primary').click();
    await page.waitForSelector('.ant-popover', { state: 'hidden' });
    await still(page);
    await take('board-steered');
  },
  trace: async (page, take) => {
    await signIn(page, { ...options, user: 'lead', password: 'demo' });
    await page.goto(`${URL_}#/trace`);
    await page.waitForSelector('[data-testid=trace]');
    await page.waitForSelector('[data-testid=picker] .choice');
    await take('trace-none');
    await page.locator('[data-testid=picker] .choice').last().click();
    await page.waitForSelector('[data-testid=ladder] li');
    const message = page.locator('[data-testid=ladder] li button').nth(7);
    await message.click();
    await message.and(page.locator('[aria-pressed=true]')).waitFor();
    await still(page);
    await take('trace');
  },
  why: async (page, take) => {
    await signIn(page, { ...options, user: 'lead', password: 'demo' });
    await page.goto(`${URL_}#/why`);
    await page.waitForSelector('[data-testid=picker] .choice');
    await take('why-none');
    await page.locator('[data-testid=picker] .choice').last().click();
    await page.waitForSelector('[data-testid=offers] li');
    await page.fill('[data-testid=why-agent]', '8005');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=moments] li');
    await still(page);
    await take('why');
  },
  messages: async (page, take) => {
    await signIn(page, { ...options, user: 'lead', password: 'demo' });
    await page.goto(`${URL_}#/messages`);
    await page.waitForSelector('tr[data-message]');
    await take('messages');
    const open = await page.locator('tr[data-message]').count();
    await page.locator('tr[data-message]').first().click();
    await page.waitForSelector('[data-phase=here]');
    await take('messages-chosen');
    await page.click('[data-testid=message-done]');
    await page.waitForFunction((before) => document.querySelectorAll('tr[data-message]').length < before, open);
    await still(page);
    await take('messages-done');
  },
  records: async (page, take) => {
    await signIn(page, { ...options, user: 'qa', password: 'demo' });
    await page.waitForSelector('tr[data-recorded=true]');
    await take('records');
    await page.locator('tr[data-recorded=true]').first().click();
    await page.waitForSelector('[data-phase=here]');
    await page.click('[data-testid=play]');
    await page.waitForFunction(() => document.querySelector('[data-testid=audio]').currentTime > 1);
    await take('records-playing');
    await page.click('[data-testid=hold]');
    await take('records-hold-why');
    await page.keyboard.type('银保监 2026-117 号调查，至结案为止不得删除；legal department, Ms. Wang');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.held');
    await take('records-held');
    await page.click('[data-testid=hold]');
    await page.waitForSelector('.held', { state: 'detached' });
    await make('expire');
    await page.reload();
    await page.locator('tr[data-recorded=true]').first().click();
    await page.waitForSelector('[data-testid=deleted]');
    await page.click('[data-testid=certificate]');
    await take('records-deleted');
    await make('expire?over=false');
    const silent = page.locator('tr[data-recorded=false]').first();
    await silent.click();
    await page.waitForSelector('tr.chosen[data-recorded=false]');
    await page.waitForSelector('[data-testid=detail] .timeline li');
    await take('records-no-recording');
    await page.click('.filter-days');
    await page.waitForSelector('.ant-picker-dropdown:not(.ant-picker-dropdown-hidden)');
    await still(page);
    await take('records-days');
    await page.keyboard.press('Escape');
    await page.fill('.filter-agent', '9999');
    await page.press('.filter-agent', 'Enter');
    await page.waitForSelector('.call-list .empty');
    await take('records-none');
  },
};

const browser = await launch(options);
try {
  for (const language of ['zh', 'en']) {
    for (const [width, height] of SIZES) {
      for (const [name, visit] of Object.entries(PAGES)) {
        if (options.only && options.only !== name) continue;
        const page = await open(browser, { ...options, width, height, language });
        await visit(page, (what) => shot(page, options, `${what}-${language}-${width}`));
        await page.context().close();
      }
    }
  }
} catch (error) {
  say('failed', { message: String(error?.message ?? error) });
  process.exitCode = 1;
} finally {
  await browser.close();
  mock.kill();
}
