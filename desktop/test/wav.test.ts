import { describe, expect, it } from 'vitest';

import { conversation, peaksOf } from '../mock/wav.mjs';
import { stepped } from '../src/player/speeds';
import { perform } from '../src/player/usePlayerKeys';
import { fewer, header, PEAK_MS, WavReader, wavesOf } from '../src/player/wav';

/** A WAV of 16 bits: for each frame one value a channel. */
function wav(frames: number[][], rate = 8_000, dataBytes?: number): Uint8Array<ArrayBuffer> {
  const channels = frames[0]?.length ?? 1;
  const bytes = new Uint8Array(44 + frames.length * channels * 2);
  const view = new DataView(bytes.buffer);
  const text = (at: number, word: string): void => [...word].forEach((c, i) => view.setUint8(at + i, c.charCodeAt(0)));
  text(0, 'RIFF');
  text(8, 'WAVEfmt ');
  view.setUint32(16, 16, true);
  view.setUint16(20, 1, true);
  view.setUint16(22, channels, true);
  view.setUint32(24, rate, true);
  view.setUint16(34, 16, true);
  text(36, 'data');
  view.setUint32(40, dataBytes ?? frames.length * channels * 2, true);
  frames.flat().forEach((value, at) => view.setInt16(44 + at * 2, value, true));
  return bytes;
}

const speech = (seconds: number) =>
  Array.from({ length: seconds * 8_000 }, (_, at) => [at % 800 === 0 ? 16_384 : 0, at < 8_000 ? -8_192 : 0]);

function readIn(bytes: Uint8Array<ArrayBuffer>, step: number) {
  const reader = new WavReader();
  for (let at = 0; at < bytes.length; at += step) reader.push(bytes.slice(at, at + step));
  return reader.result();
}

describe('a waveform', () => {
  it('is that of the sound, from the engine as from the file', () => {
    const bytes = conversation(3_000, 7);
    const [caller, agent] = wavesOf(peaksOf(bytes, 4_000));
    const read = readIn(Uint8Array.from(bytes), 1 << 16).channels;
    [caller, agent].forEach((side, channel) => {
      expect(side?.length).toBe(150);
      side?.forEach((point, at) => expect(Math.abs(point - (read[channel]?.[at] ?? 9))).toBeLessThan(1 / 100));
    });
    expect(wavesOf({ caller: [-128, 5, 0, 64], agent: [] }).map((side) => [...side])).toEqual([[1, 0.5], []]);
    expect(wavesOf(peaksOf(bytes, 10))[0]?.length).toBe(10);
  });

  it('is not computed where it is not wanted, and the length is known all the same', () => {
    const reader = new WavReader(false);
    for (const chunk of [wav(speech(2)).slice(0, 50), wav(speech(2)).slice(50)]) reader.push(chunk);
    expect(reader.result()).toMatchObject({ seconds: 2, channels: [new Float32Array(0), new Float32Array(0)] });
  });
});

describe('a recording', () => {
  it('has its length and the peaks of both voices', () => {
    const { seconds, channels, format } = readIn(wav(speech(2)), 1 << 20);
    expect(format).toEqual({ channels: 2, rate: 8_000, bits: 16 });
    expect(seconds).toBe(2);
    expect(channels.map(({ length }) => length)).toEqual([100, 100]);
    expect(channels[0]?.[0]).toBe(0.5);
    expect(channels[0]?.[1]).toBe(0);
    expect(channels[1]?.[49]).toBe(0.25);
    expect(channels[1]?.[50]).toBe(0);
    expect(PEAK_MS).toBe(20);
  });

  it('is the same however its bytes arrive', () => {
    const whole = readIn(wav(speech(1)), 1 << 20);
    for (const step of [1, 3, 43, 45, 1_023]) expect(readIn(wav(speech(1)), step), String(step)).toEqual(whole);
  });

  it('that is still being made has no length in its header', () => {
    for (const unknown of [0, 0xffff_ffff]) expect(readIn(wav(speech(1), 8_000, unknown), 999).seconds).toBe(1);
  });

  it('ends where its header says, whatever follows', () => {
    const bytes = wav(speech(1), 8_000, 8_000 * 4 - 400);
    expect(readIn(bytes, 999).seconds).toBeCloseTo(1 - 100 / 8_000);
  });

  it('that is no WAV of ours has no peaks, and does no harm', () => {
    const eight = wav([[1], [2]]);
    eight[34] = 8;
    for (const bytes of [new Uint8Array(100_000), eight]) {
      expect(readIn(bytes, 999)).toEqual({ format: null, seconds: 0, channels: [] });
    }
    expect(header(new Uint8Array(4))).toBe('more');
  });

  it('of the mock has one voice at a time', () => {
    const { channels, seconds } = readIn(new Uint8Array(conversation(4_000)), 4_096);
    expect(seconds).toBe(4);
    expect(Math.max(...(channels[0] ?? []))).toBeGreaterThan(0.2);
    expect(Math.max(...(channels[1] ?? []))).toBeGreaterThan(0.2);
  });
});

describe('the wave', () => {
  it('keeps the loudest of what it draws together', () => {
    const peaks = Float32Array.from({ length: 1_000 }, (_, at) => (at === 501 ? 0.9 : 0.1));
    const drawn = fewer(peaks, 100);
    expect(drawn).toHaveLength(100);
    expect(drawn[50]).toBeCloseTo(0.9);
    expect(drawn[49]).toBeCloseTo(0.1);
    expect(fewer(peaks, 2_000)).toBe(peaks);
  });
});

describe('the keys of the player', () => {
  it('do what they say and leave others alone', () => {
    const done: string[] = [];
    const keys = {
      toggle: () => done.push('toggle'),
      skip: (seconds: number) => done.push(`skip ${seconds}`),
      toStart: () => done.push('start'),
      toEnd: () => done.push('end'),
      faster: (steps: number) => done.push(`faster ${steps}`),
    };
    for (const key of [' ', 'ArrowLeft', 'ArrowRight', 'Home', 'End', '-', '+', '=']) expect(perform(key, keys), key).toBe(true);
    expect(done).toEqual(['toggle', 'skip -5', 'skip 5', 'start', 'end', 'faster -1', 'faster 1', 'faster 1']);
    for (const key of ['a', 'Enter', 'ArrowUp', 'ArrowDown', 'Tab', 'F5']) expect(perform(key, keys), key).toBe(false);
  });

  it('go through the speeds and stop at their ends', () => {
    expect([stepped(1, 1), stepped(1, -1), stepped(2, 1), stepped(0.5, -1)]).toEqual([1.25, 0.75, 2, 0.5]);
  });
});
