// An agent at the desktop: signs in, takes one call and wraps it up, and tells when what was seen.
//   node desktop/e2e/agent.mjs --url http://127.0.0.1:8080/ --user 8001 [--password demo]
//     [--disposition CODE] [--calls 1] [--reload] [--screenshot-dir DIR] [--timeout-ms 60000]
// JSON lines {"event":…,"at_ms":…}: signed_in, ready, pop_received, pop_shown, pop (what it shows),
// ringing, talking, acw, wrapped_up, layout_shift (0: nothing jumped), done; or failed, with exit status 1. The times are taken inside
// the page. `pop_shown` is the moment at which the page, having painted the pop, says so to the engine.
// `--reload` reloads the page in the middle of the conversation: the pop must come back.
import { drive, say, settings, shot, signIn } from './browser.mjs';

const options = settings({
  disposition: { type: 'string' },
  calls: { type: 'string', default: '1' },
  reload: { type: 'boolean', default: false },
});
if (!options.user) {
  console.error('--user is missing: the number of the agent who signs in, such as 8001');
  process.exit(2);
}

/** Runs in the page before anything else: notes what the socket says and what the state becomes. */
function watch() {
  const tell = (event, fields) => window.hotlineTold(event, fields, Date.now());
  const send = WebSocket.prototype.send;
  WebSocket.prototype.send = function (text) {
    const { type, data } = JSON.parse(text);
    if (type === 'pop_shown' || type === 'wrap_up') tell(type, data);
    return send.call(this, text);
  };
  const Original = WebSocket;
  window.WebSocket = class extends Original {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data: text }) => {
        const { type, data } = JSON.parse(text);
        if (type === 'screen_pop') tell('pop_received', { call_id: data.call_id, offer_id: data.offer_id, lookup: data.lookup });
      });
    }
  };
  window.hotlineShift = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.hotlineShift += entry.value;
  }).observe({ type: 'layout-shift', buffered: true });
  let mark = null;
  new MutationObserver(() => {
    const now = document.querySelector('[data-testid=state]')?.dataset.mark ?? null;
    if (now === mark) return;
    mark = now;
    if (now && now !== 'none') tell(now, {});
  }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-mark'] });
}

const shown = (page) =>
  page.evaluate(() => {
    const text = (id) => document.querySelector(`[data-testid=${id}]`)?.textContent.trim() ?? '';
    const pop = document.querySelector('[data-testid=pop]');
    return {
      offer_id: pop?.dataset.offer ?? null,
      lookup: pop?.dataset.lookup ?? null,
      ani: text('pop-ani'),
      name: text('pop-name'),
      policies: document.querySelectorAll('[data-testid=policies] tbody tr').length,
    };
  });

const state = (page, ...marks) => page.waitForSelector(marks.map((mark) => `[data-testid=state][data-mark=${mark}]`).join(', '));

async function oneCall(page) {
  await page.waitForSelector('[data-testid=pop][data-offer]');
  await page.waitForSelector('[data-testid=pop][data-offer]:not([data-lookup=pending])');
  say('pop', await shown(page));
  await shot(page, options, 'agent-pop');
  await state(page, 'talking', 'acw');
  await shot(page, options, 'agent-talking');
  if (options.reload) {
    const before = await shown(page);
    await page.reload();
    await page.waitForSelector(`[data-testid=pop][data-offer="${before.offer_id}"]`);
    say('reloaded', { before, after: await shown(page) });
  }
  await state(page, 'acw');
  await shot(page, options, 'agent-acw');
  const choice = options.disposition ? `[data-testid=disposition-${options.disposition}]` : '[data-testid^=disposition-]';
  await page.locator(choice).first().click();
  await page.keyboard.press('F9');
  await state(page, 'ready', 'not_ready', 'signed_out');
  say('wrapped_up');
  say('layout_shift', { score: await page.evaluate(() => window.hotlineShift) });
  await shot(page, options, 'agent-done');
}

await drive(options, async (page) => {
  await page.exposeFunction('hotlineTold', say);
  await page.addInitScript(watch);
  await signIn(page, options);
  await state(page, 'signed_out', 'not_ready', 'ready', 'reserved', 'ringing', 'talking', 'acw');
  // an agent whose phone is not registered yet may not be ready; one may be ready by registering
  await page.waitForSelector('[data-testid=act-ready]:enabled, [data-mark=ready], [data-mark=reserved], [data-mark=ringing], [data-mark=talking]');
  if (await page.isEnabled('[data-testid=act-ready]')) await page.keyboard.press('F2');
  await state(page, 'ready', 'reserved', 'ringing', 'talking');
  await shot(page, options, 'agent-ready');
  for (let nth = 0; nth < Number(options.calls); nth += 1) await oneCall(page);
});
