// A real Chromium against the mock: what unit tests cannot see. Exit status 0 if all of it holds.
//   node desktop/e2e/mock.mjs [--screenshot-dir DIR] [--only PART_OF_A_NAME]
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { launch, open, say, settings, shot, signIn } from './browser.mjs';

const PORT = 8096;
const options = { ...settings({ only: { type: 'string' } }), url: `http://127.0.0.1:${PORT}/`, timeout: 20_000 };
const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const mock = spawn(process.execPath, [path('../mock/server.mjs'), '--port', String(PORT), '--manual', '--robots', '5', '--lookup', '50', '--acw', '60000']);
mock.stderr.pipe(process.stderr);
await new Promise((ready) => mock.stdout.once('data', ready));

const make = (what) => fetch(`${options.url}mock/${what}`, { method: 'POST' });
const demand = (holds, what) => {
  if (!holds) throw new Error(what);
};
const state = (page, mark) => page.waitForSelector(`[data-testid=state][data-mark=${mark}]`);
/** A caller who waits in `queue`: the call. */
const waits = async (queue) => (await (await make(`wait?queue=${queue}&waited=1000`)).json()).call_id;
const text = (page, id) => page.textContent(`[data-testid=${id}]`);

async function callTo(page, user, until) {
  await make(`call?agent=${user}&until=${until}`);
  await page.waitForSelector('[data-testid=pop][data-lookup=found]');
  await state(page, until);
}

const SCENARIOS = {
  'a pop survives a refresh, in the ring and in the conversation': async (page) => {
    await signIn(page, { ...options, user: '8001' });
    for (const until of ['ringing', 'talking']) {
      await callTo(page, '8001', until);
      const before = await text(page, 'pop');
      await page.reload();
      await page.waitForSelector('[data-testid=pop][data-lookup=found]');
      demand((await text(page, 'pop')) === before, `after a refresh (${until}) the pop is another`);
      await state(page, until);
    }
  },

  'a chosen disposition survives a refresh, and F9 sends it': async (page) => {
    await signIn(page, { ...options, user: '8001' });
    await callTo(page, '8001', 'talking');
    await page.keyboard.press('3');
    await page.reload();
    await page.waitForSelector('[data-testid=disposition-complaint_recorded][aria-checked=true]');
    await make('end?agent=8001');
    await state(page, 'acw');
    await page.keyboard.press('F9');
    await state(page, 'ready');
    await page.waitForFunction(() => document.querySelector('[data-testid=own-calls] tr').textContent.includes('投诉已记录'));
    demand((await page.getAttribute('[data-testid=pop]', 'data-offer')) === null, 'the pop stays after wrap-up');
  },

  'a call that ends while the connection is lost is gone when it is back': async (page) => {
    await signIn(page, { ...options, user: '8002' });
    await callTo(page, '8002', 'talking');
    await make('drop?ms=2500');
    await page.waitForSelector('.link-lost');
    await state(page, 'talking');
    demand((await page.getAttribute('[data-testid=pop]', 'data-lookup')) === 'found', 'the pop goes with the connection');
    await make('end?agent=8002');
    await page.waitForSelector('.link-open');
    await state(page, 'acw');
  },

  'a button pressed without a connection works when it is back': async (page) => {
    await signIn(page, { ...options, user: '8003' });
    await make('agent?agent=8003&status=ready&state=idle');
    await state(page, 'ready');
    await make('drop?ms=1500');
    await page.waitForSelector('.link-lost');
    await page.keyboard.press('F4');
    await page.keyboard.press('2');
    await page.waitForSelector('[data-testid=act-not_ready][data-sending=true]');
    await state(page, 'not_ready');
    demand((await text(page, 'state')).includes('用餐'), 'the reason is another');
  },

  'a missing event is noticed and made good': async (page) => {
    await signIn(page, { ...options, user: '8004' });
    await make('agent?agent=8004&status=ready&state=idle');
    await state(page, 'ready');
    await make('gap?user=8004');
    await make('agent?agent=8004&status=not_ready&reason=meeting&state=idle');
    await state(page, 'not_ready');
    await make('agent?agent=8004&status=ready&state=idle');
    await state(page, 'ready');
  },

  'a refused command says why': async (page) => {
    await signIn(page, { ...options, user: '8004' });
    await make('agent?agent=8004&status=not_ready&reason=break&state=idle');
    await state(page, 'not_ready');
    await make('refuse?code=phone_unreachable');
    await page.keyboard.press('F2');
    await page.waitForSelector('[data-testid=notice]');
    demand((await text(page, 'notice')) === '示闲：话机未注册', 'the reason is not told');
  },

  'a call is transferred by keys alone, and why it came back is told': async (page) => {
    await signIn(page, { ...options, user: '8001' });
    await make('agent?agent=8002&status=ready&state=idle');
    await callTo(page, '8001', 'talking');
    await page.keyboard.press('Shift+F2');
    await page.waitForSelector('[data-testid=agent-8002] .can');
    await page.keyboard.type('8002');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=move][data-guest="8002"][data-state=transferring]');
    await make('back?agent=8001&end=no_answer');
    await page.waitForFunction(() => document.querySelector('[data-testid=moved]').textContent.includes('8002 未应答'));
    await page.keyboard.press('Shift+F2');
    await page.waitForSelector('[data-testid=picker]');
    await page.keyboard.press('Escape');
    demand((await page.$('[data-testid=picker]')) === null, 'Escape does not close the list');
    await page.keyboard.press('Shift+F2');
    await page.waitForSelector('[data-testid=agent-8002] .can');
    await page.keyboard.press('Enter');
    await state(page, 'acw');
    await make('agent?agent=8002&status=signed_out&state=idle');
  },

  'a colleague is asked, the caller heard between, and all three talk': async (page) => {
    await signIn(page, { ...options, user: '8003' });
    await make('agent?agent=8011&status=ready&state=idle');
    await callTo(page, '8003', 'talking');
    await page.keyboard.press('Shift+F8');
    await page.waitForSelector('[data-testid=agent-8011] .can');
    demand((await page.$('[data-testid=queue-claims]')) !== null, 'a queue can be asked, too');
    await page.click('[data-testid=agent-8011]');
    await page.waitForSelector('[data-testid=act-conference]:enabled');
    await page.keyboard.press('Shift+Home');
    await page.waitForFunction(() => document.querySelector('[data-testid=moved]').textContent.includes('对方听音乐'));
    await page.keyboard.press('Shift+Home');
    await page.keyboard.press('Shift+End');
    await page.waitForSelector('[data-testid=move][data-state=conference]');
    await page.keyboard.press('Shift+Backspace');
    await page.waitForFunction(() => document.querySelector('[data-testid=moved]').textContent.includes('已取回'));
    await page.waitForSelector('[data-testid=act-transfer]:enabled');
    await make('end?agent=8003');
    await make('agent?agent=8011&status=signed_out&state=idle');
  },

  'who may not call outside calls a colleague, and is told why no number': async (page) => {
    await signIn(page, { ...options, user: '8002' });
    await make('agent?agent=8002&status=not_ready&reason=break&state=idle');
    await state(page, 'not_ready');
    await page.keyboard.press('Shift+Insert');
    await page.keyboard.type('138-0013-8000');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('[data-testid=dial-told]').textContent.includes('没有外呼权限'));
    const field = page.locator('[data-testid=dial] input');
    demand((await field.inputValue()) === '138-0013-8000', 'what was typed is gone');
    await field.fill('理赔报案');
    await page.keyboard.press('Enter');
    await state(page, 'talking');
    demand((await field.inputValue()) === '', 'what was called stays in the box');
    await make('end?agent=8002');
  },

  'a recording is paused for each reason by one key, and resumed': async (page) => {
    await signIn(page, { ...options, user: '8004' });
    await callTo(page, '8004', 'talking');
    for (const [key, words] of [['Pause', '机密信息'], ['ScrollLock', '客户拒录'], ['Shift+ScrollLock', '私人内容']]) {
      await page.waitForSelector('[data-testid=act-pause_recording]:enabled');
      await page.keyboard.press(key);
      await page.waitForSelector('[data-testid=act-resume_recording]:enabled');
      demand((await text(page, 'moved')).includes(words), `it does not say why nothing is taped (${words})`);
      await page.keyboard.press('Shift+Pause');
    }
    await page.waitForSelector('[data-testid=act-pause_recording]:enabled');
    await make('end?agent=8004');
  },

  'a declined call says so': async (page) => {
    await signIn(page, { ...options, user: '8004' });
    await callTo(page, '8004', 'ringing');
    await page.keyboard.press('F8');
    await state(page, 'not_ready');
    demand((await text(page, 'state')).includes('话机拒接'), 'the reason of a declined call is not shown');
  },

  'an ended session leads to the sign-in, and says so': async (page) => {
    await signIn(page, { ...options, user: '8011' });
    await make('forget');
    await page.waitForSelector('#password');
    demand((await text(page, 'signin-told')).includes('登录已失效'), 'nothing says why');
    await page.reload();
    await page.waitForSelector('#password');
  },

  'leaving signs the agent out': async (page) => {
    await signIn(page, { ...options, user: '8012' });
    await make('agent?agent=8012&status=ready&state=idle');
    await state(page, 'ready');
    await page.click('[data-testid=leave]');
    await page.waitForSelector('#password');
    await signIn(page, { ...options, user: 'lead' });
    await page.waitForSelector('[data-agent="8012"][data-mark=signed_out]');
  },

  'who has signed out stays so when the connection is back': async (page) => {
    await signIn(page, { ...options, user: '8012' });
    await state(page, 'not_ready');
    await page.keyboard.press('Shift+F4');
    await state(page, 'signed_out');
    const left = new Promise((done) => {
      page.on('websocket', (socket) => socket.on('framesent', ({ payload }) => payload.includes('"sign_out"') && done()));
    });
    await make('drop?ms=500');
    await page.waitForSelector('.link-lost');
    await left;
    await state(page, 'signed_out');
  },

  'a board shows no call that ended while it was away': async (page) => {
    await signIn(page, { ...options, user: 'lead' });
    await make('agent?agent=8021&status=ready&state=idle');
    await make('call?agent=8021&until=talking');
    await page.waitForSelector('[data-agent="8021"][data-mark=talking]');
    await page.waitForFunction(() => [...document.querySelectorAll('[data-call]')].some((row) => row.textContent.includes('8021')));
    await make('drop?ms=1000');
    await make('end?agent=8021');
    await page.waitForFunction(() => ![...document.querySelectorAll('[data-call]')].some((row) => row.textContent.includes('8021')));
    await page.waitForSelector('[data-agent="8021"][data-mark=acw]');
  },

  'a call on the board leads to its ladder, which is read by keys': async (page) => {
    await signIn(page, { ...options, user: 'lead' });
    await make('agent?agent=8021&status=ready&state=idle');
    await make('call?agent=8021&until=talking');
    await page.waitForSelector('[data-agent="8021"][data-mark=talking]');
    const row = page.locator('[data-testid=calls] tr', { hasText: '8021' });
    const call = await row.getAttribute('data-call');
    await row.locator('a').click();
    await page.waitForSelector(`[data-testid=ladder][data-call="${call}"]`);
    const rows = '[data-testid=ladder] li button';
    await page.focus(`${rows}[aria-pressed=true]`);
    demand((await text(page, 'message')).includes('INVITE sip:95512@'), 'the first message is not shown');
    await page.keyboard.press('ArrowDown');
    await page.waitForFunction(() => document.activeElement?.textContent.includes('100 Trying'));
    demand((await text(page, 'message')).includes('SIP/2.0 100 Trying'), 'the arrow key does not move');
    await page.keyboard.press('End');
    await page.waitForFunction(() => document.querySelector('[data-testid=message]').textContent.includes('200 OK (BYE)'));
    await page.locator(rows, { hasText: '180 Ringing' }).click();
    demand((await text(page, 'message')).includes('SIP/2.0 180 Ringing'), 'a click does not show the message');
    const [saved] = await Promise.all([page.waitForEvent('download'), page.click('[data-testid=trace-save]')]);
    demand(saved.suggestedFilename() === `${call}.pcap`, `the capture is called ${saved.suggestedFilename()}`);
    await make('end?agent=8021');
  },

  'a waiting call is moved by keys alone, and who and what is shown before': async (page) => {
    await signIn(page, { ...options, user: 'lead' });
    const call = await waits('claims');
    const row = page.locator(`tr[data-call="${call}"]`);
    await page.waitForSelector(`[data-steer="${call}"]`);
    await page.keyboard.press('F2');
    await page.waitForFunction(() => document.activeElement?.dataset.steer);
    await page.focus(`[data-steer="${call}"]`);
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer-move][aria-selected=true]');
    demand((await text(page, 'steer')).includes(call), 'it does not say which call');
    await page.keyboard.press('1');
    await page.keyboard.type('投诉');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer-confirm]');
    demand((await text(page, 'steer-confirm')).includes('转到“投诉”'), 'it does not say what will be done');
    await make('refuse?code=queue_full');
    await page.keyboard.press('Enter');
    await page.waitForFunction(() => document.querySelector('[data-testid=steer-told]').textContent === '该技能组排队已满');
    demand((await row.textContent()).includes('理赔报案'), 'the refused move is shown as done');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer]', { state: 'detached' });
    await page.waitForFunction((id) => document.querySelector(`tr[data-call="${id}"]`).textContent.includes('投诉'), call);
    await page.waitForFunction(() => document.querySelector('[data-testid=steered]').textContent.includes('转到“投诉”'));
    await page.waitForFunction((id) => document.activeElement?.dataset.steer === id, call);
  },

  'a waiting call is put first, and given to an agent who takes calls': async (page) => {
    await signIn(page, { ...options, user: 'lead' });
    await make('agent?agent=8003&status=not_ready&reason=meal&state=idle');
    await make('agent?agent=8004&status=ready&state=idle');
    await page.waitForSelector('[data-agent="8004"][data-mark=ready]');
    const call = await waits('general');
    const time = page.locator(`tr[data-call="${call}"] .time`);
    demand(!(await time.textContent()).startsWith('1:0'), 'it has waited an hour already');
    await page.click(`[data-steer="${call}"]`);
    await page.keyboard.press('3');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer]', { state: 'detached' });
    await page.waitForFunction((id) => /^1:0|^60:|^0?1:00:/.test(document.querySelector(`tr[data-call="${id}"] .time`).textContent), call);
    await page.keyboard.press('Enter');
    await page.keyboard.press('2');
    await page.waitForSelector('[data-testid=steer-agent-8003][aria-disabled=true]');
    await page.keyboard.type('8003');
    await page.keyboard.press('Enter');
    demand((await page.$('[data-testid=steer-confirm]')) === null, 'who takes no calls can be chosen');
    await page.fill('[data-testid=steer-field]', '8004');
    await page.keyboard.press('Enter');
    demand((await text(page, 'steer-confirm')).includes('8004'), 'it does not say who gets it');
    await page.keyboard.press('Escape');
    await page.waitForSelector('[data-testid=steer-field]');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Escape');
    await page.waitForSelector('[data-testid=steer]', { state: 'detached' });
  },

  'a callback is taken back': async (page) => {
    await make('callback?queue=claims&missed=1');
    await make('callback?queue=general');
    await signIn(page, { ...options, user: 'lead' });
    await page.waitForFunction(() => document.querySelector('[data-testid=callbacks] b')?.textContent === '2');
    await page.keyboard.press('F9');
    await page.waitForFunction(() => document.querySelectorAll('[data-testid^=steer-callback-]').length === 2);
    demand((await text(page, 'steer')).includes('已试 1 次'), 'it does not say how often it was tried');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    demand((await text(page, 'steer-confirm')).includes('综合服务'), 'another one was chosen');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer]', { state: 'detached' });
    await page.waitForFunction(() => document.querySelector('[data-testid=callbacks] b').textContent === '1');
  },

  'an agent is put on a break, and what another asks for is approved': async (page) => {
    await make('agent?agent=8002&status=ready&state=idle');
    await make('agent?agent=8003&status=ready&state=idle');
    await make('asks?agent=8003&reason=training');
    await signIn(page, { ...options, user: 'lead' });
    await page.waitForSelector('[data-agent="8002"][data-mark=ready]');
    await page.keyboard.press('F4');
    await page.waitForFunction(() => document.activeElement?.dataset.agent);
    await page.keyboard.press('ArrowRight');
    await page.waitForFunction(() => document.activeElement !== document.querySelector('[data-agent]'));
    await page.focus('[data-agent="8002"]');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-testid=steer-ready][aria-disabled=true]');
    await page.keyboard.press('2');
    demand((await text(page, 'steer-confirm')).includes('8002 改为“示忙 · 小休”'), 'it does not say what will be');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-agent="8002"][data-mark=not_ready]');
    await page.keyboard.press('F8');
    await page.waitForSelector('[data-testid=steer-agent-8003]');
    await page.keyboard.press('Enter');
    await page.keyboard.press('1');
    demand((await text(page, 'steer-confirm')).includes('批准 8003 的“培训”'), 'it does not say what is approved');
    await page.keyboard.press('Enter');
    await page.waitForSelector('[data-agent="8003"][data-mark=not_ready]');
    await page.waitForFunction(() => document.querySelector('[data-testid=asks] b').textContent === '0');
  },

  'who may not steer sees no buttons for it': async (page) => {
    await waits('claims');
    await signIn(page, { ...options, user: 'admin' });
    await page.waitForSelector('[data-testid=calls] tr[data-call]');
    demand((await page.$('[data-steer], [data-testid=asks], [data-testid=callbacks]')) === null, 'there are buttons');
    await page.keyboard.press('F8');
    demand((await page.$('[data-testid=steer]')) === null, 'a key opens it all the same');
  },

  'a plan is put on, and a refusal says why': async (page) => {
    await signIn(page, { ...options, user: 'lead' });
    const plan = page.locator('[data-testid=plans] button[role=switch]').first();
    await make('refuse?code=busy');
    await plan.click();
    await page.click('.ant-popconfirm-buttons .ant-btn-primary');
    await page.waitForFunction(() => document.querySelector('[data-testid=plans] [role=alert]')?.textContent.includes('系统繁忙'));
    await page.waitForSelector('.ant-popover', { state: 'hidden' });
    await plan.click();
    await page.locator('.ant-popconfirm-buttons .ant-btn-primary').last().click();
    await page.waitForSelector('[data-testid=plans] button[role=switch][aria-checked=true]');
    demand((await page.$('[data-testid=plans] [role=alert]')) === null, 'the refusal stays');
  },

  'a call id that is typed is looked for, and what is not there is told': async (page) => {
    await signIn(page, { ...options, user: 'admin' });
    await page.goto(`${options.url}#/trace`);
    await page.fill('#trace-call', 'c1-1-99999');
    await page.press('#trace-call', 'Enter');
    await page.waitForSelector('[data-testid=ladder] .failed');
    demand((await text(page, 'ladder')).includes('不存在'), 'nothing says that there is no such call');
    await page.locator('[data-testid=picker] .choice').last().click();
    await page.waitForSelector('[data-testid=ladder] li');
    await page.reload();
    await page.waitForSelector('[data-testid=ladder] li');
  },

  'legal hold is put and released, however long its reason, and nothing moves': async (page) => {
    await signIn(page, { ...options, user: 'qa' });
    await page.locator('tr[data-recorded=true]').first().click();
    await page.waitForSelector('[data-testid=player][data-phase=here]');
    const top = () => page.$eval('[data-testid=timeline]', (one) => one.getBoundingClientRect().top);
    const before = await top();
    await page.click('[data-testid=hold]');
    await page.keyboard.type('银保监 2026-117 号调查，至结案为止不得删除；'.repeat(3));
    demand((await top()) === before, 'the field moves what is under it');
    await page.keyboard.press('Enter');
    await page.waitForSelector('.held');
    demand((await top()) === before, 'the reason moves what is under it');
    await page.click('[data-testid=hold]');
    await page.waitForSelector('.held', { state: 'detached' });
    await make('expire');
    await page.reload();
    await page.locator('tr[data-recorded=true]').first().click();
    await page.click('[data-testid=certificate]');
    demand((await page.textContent('.certificate')).includes('number: 42'), 'the certificate is not shown');
    await make('expire?over=false');
  },

  'a recording plays by keys': async (page) => {
    await signIn(page, { ...options, user: 'qa' });
    await page.waitForSelector('tr[data-recorded=true]');
    for (let nth = 0; nth < 60 && !(await page.$('tr.chosen[data-recorded=true]')); nth += 1) await page.keyboard.press('ArrowDown');
    await page.waitForSelector('[data-testid=player][data-phase=here]');
    await page.keyboard.press('Space');
    await page.waitForFunction(() => document.querySelector('[data-testid=audio]').currentTime > 0.3);
    await page.keyboard.press('+');
    demand((await page.$eval('[data-testid=audio]', (audio) => audio.playbackRate)) === 1.25, 'the speed did not change');
    await page.keyboard.press('Space');
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    demand((await page.$eval('[data-testid=audio]', (audio) => audio.currentTime)) === 5, 'the arrow did not skip 5 s');
    await page.click('[data-fact=recording_started] button');
    demand((await page.$eval('[data-testid=audio]', (audio) => audio.currentTime)) < 0.1, 'the timeline does not lead into the recording');
  },
};

/** What the console may say: that a request failed which a scenario makes fail. */
const EXPECTED = /Failed to load resource|WebSocket connection to/;

const browser = await launch(options);
let failed = 0;
for (const [name, run] of Object.entries(SCENARIOS)) {
  if (options.only && !name.includes(options.only)) continue;
  const page = await open(browser, options);
  const complaints = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (line) => {
    if (line.type() === 'error' && !EXPECTED.test(line.text())) complaints.push(line.text());
  });
  try {
    await run(page);
    demand(complaints.length === 0, `the console complains: ${complaints.join('; ')}`);
    say('passed', { scenario: name });
  } catch (error) {
    failed += 1;
    say('failed', { scenario: name, message: String(error?.message ?? error) });
    await shot(page, options, `failed-${failed}`);
  }
  await page.context().close();
}
await browser.close();
mock.kill();
process.exitCode = failed > 0 ? 1 : 0;
