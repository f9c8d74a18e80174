// An agent with nothing but a browser takes a call: JsSIP answers it, a tone is said, and what is heard is told.
//   node desktop/e2e/headset.mjs --url http://127.0.0.1:8080/ --socket wss://192.0.2.1:7443/ --user 8001 --tone 700
import { drive, jssip, say, settings } from './browser.mjs';

const options = {
  ...settings({ socket: { type: 'string' }, tone: { type: 'string', default: '700' }, 'talk-ms': { type: 'string', default: '5000' } }),
  // The engine's certificate is made for one test and signed by nobody; the microphone is not there.
  flags: ['--ignore-certificate-errors', '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream'],
};

const script = await jssip();
await drive(options, async (page) => {
  await page.exposeFunction('told', (event, fields) => say(event, fields));
  await page.goto(new URL('healthz', options.url).href);
  await page.addScriptTag({ content: script });
  await page.evaluate(async ({ socket, user, password, tone }) => {
    // Who may use the microphone may be reached on every network; what is said is a tone all the same.
    await navigator.mediaDevices.getUserMedia({ audio: true });
    const audio = new AudioContext();
    const mouth = audio.createMediaStreamDestination();
    const gain = audio.createGain();
    gain.gain.value = 0.3;
    const voice = new OscillatorNode(audio, { frequency: Number(tone) });
    voice.connect(gain).connect(mouth);
    voice.start();

    const { UA, WebSocketInterface } = window.JsSIP;
    const phone = new UA({ sockets: [new WebSocketInterface(socket)], uri: `sip:${user}@hotline`, password, register_expires: 600 });
    phone.on('registered', () => window.told('registered', {}));
    phone.on('registrationFailed', ({ cause }) => window.told('refused', { cause }));
    phone.on('newRTCSession', ({ originator, session }) => {
      if (originator !== 'remote') return;
      window.told('rung', {});
      session.on('peerconnection', ({ peerconnection }) => {
        window.line = peerconnection;
        peerconnection.addEventListener('track', ({ track }) => {
          const stream = new MediaStream([track]);
          // Without a player the browser decodes nothing.
          const player = new Audio();
          player.srcObject = stream;
          player.muted = true;
          void player.play();
          window.ear = new AnalyserNode(audio, { fftSize: 4096 });
          audio.createMediaStreamSource(stream).connect(window.ear);
        });
      });
      session.on('failed', ({ cause }) => window.told('call_failed', { cause }));
      session.on('confirmed', () => {
        window.told('answered', {});
        window.session = session;
      });
      session.on('ended', () => {
        window.ended = true;
      });
      session.answer({ mediaStream: mouth.stream, pcConfig: { iceServers: [] } });
    });
    phone.start();
    window.phone = phone;
    window.hz = () => {
      const bins = new Float32Array(window.ear.frequencyBinCount);
      window.ear.getFloatFrequencyData(bins);
      const at = bins.reduce((best, level, bin) => (level > bins[best] ? bin : best), 0);
      return bins[at] > -70 ? (at * audio.sampleRate) / window.ear.fftSize : 0;
    };
  }, options);
  await page.waitForFunction(() => window.session && window.ear && window.line.connectionState === 'connected');
  say('connected');
  // Ten times a second, in the page: what is heard for as long as the test wants it to talk.
  const samples = Math.ceil(Number(options['talk-ms']) / 100);
  await page.evaluate(() => {
    window.heard = [];
    setInterval(() => window.heard.push(Math.round(window.hz())), 100);
  });
  await page.waitForFunction((samples) => window.heard.length >= samples, samples);
  const heard = await page.evaluate(() => window.heard);
  const stats = await page.evaluate(async () => {
    const all = [...(await window.line.getStats()).values()];
    const came = all.find((one) => one.type === 'inbound-rtp');
    const transport = all.find((one) => one.type === 'transport');
    const codec = all.find((one) => one.id === came.codecId);
    return { packets: came.packetsReceived, lost: came.packetsLost, codec: codec.mimeType, srtp: transport.srtpCipher, dtls: transport.tlsVersion };
  });
  say('heard', { hz: heard, ...stats });
  await page.evaluate(() => window.session.terminate());
  await page.waitForFunction(() => window.ended);
  say('hung_up');
});
