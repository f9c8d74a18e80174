// An inspector at the desktop: opens the newest recorded call, plays it and seeks in it.
//   node desktop/e2e/inspector.mjs --url http://127.0.0.1:8080/ [--user qa] [--password demo]
//     [--call CALL_ID] [--screenshot-dir DIR] [--timeout-ms 60000]
// JSON lines: signed_in, call, loaded, playing (the position before and after), sought, spoken (how
// loud each channel is), done; or failed, with exit status 1.
import { drive, say, settings, shot, signIn } from './browser.mjs';

const options = settings({ call: { type: 'string' } });
options.user ??= 'qa';

const audio = (page) =>
  page.$eval('[data-testid=audio]', ({ currentTime, duration, paused, playbackRate, error }) => ({
    current_time: currentTime, duration, paused, playback_rate: playbackRate, error: error?.message ?? null,
  }));

/** Waits until the audio is past `seconds`. */
const past = (page, seconds) =>
  page.waitForFunction((than) => document.querySelector('[data-testid=audio]').currentTime > than, seconds);

function demand(holds, what, found) {
  if (!holds) throw new Error(`${what}: ${JSON.stringify(found)}`);
}

/** How loud the caller's and the agent's channels are, from the file itself. */
const loudness = (page) =>
  page.$eval('[data-testid=player]', async ({ dataset }) => {
    const { token } = JSON.parse(sessionStorage.getItem('hotline.session'));
    const headers = { authorization: `Bearer ${token}` };
    const bytes = await (await fetch(`/api/v1/recordings/${dataset.recording}/audio`, { headers })).arrayBuffer();
    const sound = await new OfflineAudioContext(2, 1, 8000).decodeAudioData(bytes);
    const rms = (channel) => Math.sqrt(channel.reduce((sum, sample) => sum + sample * sample, 0) / channel.length);
    return Array.from({ length: sound.numberOfChannels }, (_, at) => rms(sound.getChannelData(at)));
  });

await drive(options, async (page) => {
  await signIn(page, options);
  await page.goto(`${options.url.split('#')[0]}#/records`);
  const row = options.call ? `tr[data-call="${options.call}"]` : 'tr[data-recorded=true]';
  await page.locator(row).first().click();
  await page.waitForSelector('[data-testid=detail][data-call]');
  const facts = await page.$$eval('[data-fact]', (all) => all.map(({ dataset }) => dataset.fact));
  say('call', { call_id: await page.getAttribute('[data-testid=detail]', 'data-call'), facts });
  await page.waitForSelector('[data-testid=player][data-phase=here]');
  await page.waitForFunction(() => document.querySelector('[data-testid=audio]').readyState >= 3);
  const loaded = await audio(page);
  say('loaded', loaded);
  demand(loaded.duration > 0 && loaded.error === null, 'the recording has no length', loaded);
  say('spoken', { rms: await loudness(page) });
  await shot(page, options, 'inspector-call');

  await page.click('[data-testid=play]');
  await past(page, Math.min(0.5, loaded.duration / 4));
  const playing = await audio(page);
  say('playing', playing);
  demand(!playing.paused && playing.current_time > 0, 'it does not play', playing);
  await shot(page, options, 'inspector-playing');

  await page.keyboard.press('Space');
  const box = await page.locator('.wave').boundingBox();
  await page.mouse.click(box.x + box.width * 0.5, box.y + box.height / 2);
  await page.waitForFunction(() => !document.querySelector('[data-testid=audio]').seeking);
  const sought = await audio(page);
  say('sought', { ...sought, wanted: loaded.duration / 2 });
  demand(Math.abs(sought.current_time - loaded.duration / 2) < loaded.duration * 0.05 + 0.2, 'a click does not seek', sought);
  await page.keyboard.press('ArrowLeft');
  const back = await audio(page);
  demand(back.current_time < sought.current_time || sought.current_time === 0, 'the arrow does not seek', back);
  await page.keyboard.press('Home');
  demand((await audio(page)).current_time === 0, 'Home does not seek', await audio(page));
});
