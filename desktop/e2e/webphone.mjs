// A phone in a browser: JsSIP registers over secure WebSocket, is rung, is busy, and takes itself back.
//   node desktop/e2e/webphone.mjs --url http://127.0.0.1:8080/ --socket wss://127.0.0.1:7443/ --user 8001
import { drive, jssip, say, settings } from './browser.mjs';

// The engine's certificate is made for one test and signed by nobody.
const options = { ...settings({ socket: { type: 'string' } }), flags: ['--ignore-certificate-errors'] };

const script = await jssip();
await drive(options, async (page) => {
  // A page of the engine's origin, which is what the engine looks at, and one that allows scripts of others.
  await page.exposeFunction('told', (event, fields) => say(event, fields));
  await page.goto(new URL('healthz', options.url).href);
  await page.addScriptTag({ content: script });
  await page.evaluate(({ socket, user, password }) => {
    const { UA, WebSocketInterface } = window.JsSIP;
    const sockets = [new WebSocketInterface(socket)];
    const phone = new UA({ sockets, uri: `sip:${user}@hotline`, password, register_expires: 600 });
    phone.on('registered', () => window.told('registered', {}));
    phone.on('registrationFailed', ({ cause }) => window.told('refused', { cause }));
    phone.on('disconnected', ({ error }) => window.told('disconnected', { error: Boolean(error) }));
    phone.on('newRTCSession', ({ originator, session, request }) => {
      if (originator !== 'remote') return;
      window.told('rung', { via: request.getHeader('Via'), contact: request.getHeader('Contact') });
      session.terminate({ status_code: 486, reason_phrase: 'Busy Here' });
      window.rung = true;
    });
    phone.start();
    window.phone = phone;
  }, options);
  await page.waitForFunction(() => window.rung);
  // It takes itself back before it goes.
  const gone = page.evaluate(() => new Promise((done) => window.phone.on('unregistered', () => done())));
  await page.evaluate(() => window.phone.unregister());
  await gone;
  say('unregistered');
});
