// Reads a WAV file while it arrives: its format, its length and, if wanted, the peaks of each channel.
// Decoding it with the browser's audio engine would hold an hour of speech in gigabytes.

import type { PeaksData } from '../api/wire';

/** One peak for so many milliseconds of sound. */
export const PEAK_MS = 20;
/** A header with its chunks before the samples is never longer. */
const HEADER_MOST = 64 * 1024;
const PCM = 1;
const EXTENSIBLE = 0xfffe;

export interface WavFormat {
  channels: number;
  rate: number;
  bits: number;
}

/** What was read so far. */
export interface Peaks {
  format: WavFormat | null;
  seconds: number;
  /** For each channel the loudest sample of each 20 ms, 0 to 1. */
  channels: readonly Float32Array[];
}

type Header = { format: WavFormat; dataAt: number; dataBytes: number } | 'more' | 'foreign';

/** Finds the format and the samples; `foreign` is a file that we cannot draw (it may still play). */
export function header(bytes: Uint8Array): Header {
  if (bytes.length < 12) return 'more';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (word(view, 0) !== 'RIFF' || word(view, 8) !== 'WAVE') return 'foreign';
  let format: WavFormat | null = null;
  for (let at = 12; at + 8 <= bytes.length; ) {
    const [name, length] = [word(view, at), view.getUint32(at + 4, true)];
    if (name === 'data') {
      if (!format) return 'foreign';
      // a recording still being made, or cut off by a crash, has no length yet
      const known = length > 0 && length < 0xffff_ff00;
      return { format, dataAt: at + 8, dataBytes: known ? length : Number.MAX_SAFE_INTEGER };
    }
    if (name === 'fmt ') {
      if (at + 24 > bytes.length) return 'more';
      const kind = view.getUint16(at + 8, true);
      const bits = view.getUint16(at + 22, true);
      if ((kind !== PCM && kind !== EXTENSIBLE) || bits !== 16) return 'foreign';
      format = { channels: view.getUint16(at + 10, true), rate: view.getUint32(at + 12, true), bits };
      if (format.channels < 1 || format.channels > 2 || format.rate < 1) return 'foreign';
    }
    at += 8 + length + (length % 2);
  }
  return bytes.length > HEADER_MOST ? 'foreign' : 'more';
}

function word(view: DataView, at: number): string {
  return String.fromCharCode(view.getUint8(at), view.getUint8(at + 1), view.getUint8(at + 2), view.getUint8(at + 3));
}

export class WavReader {
  /** Whether the peaks are wanted; else samples are counted and not looked at. */
  readonly #draws: boolean;
  #start: Uint8Array<ArrayBuffer> | null = new Uint8Array(0);
  #format: WavFormat | null = null;
  #left = 0;
  #odd = new Uint8Array(0);
  #frames = 0;
  #loudest: number[] = [];
  #peaks: number[][] = [];
  #inPeak = 0;

  constructor(draws = true) {
    this.#draws = draws;
  }

  /** Takes the next bytes of the file. */
  push(chunk: Uint8Array<ArrayBuffer>): void {
    if (this.#format) {
      this.#samples(chunk);
      return;
    }
    if (!this.#start) return;
    this.#start = join(this.#start, chunk);
    const found = header(this.#start);
    if (found === 'more') return;
    const start = this.#start;
    this.#start = null;
    if (found === 'foreign') return;
    this.#format = found.format;
    this.#left = found.dataBytes;
    this.#peaks = Array.from({ length: found.format.channels }, () => []);
    this.#loudest = this.#peaks.map(() => 0);
    this.#samples(start.subarray(found.dataAt));
  }

  /** What is known now. */
  result(): Peaks {
    const seconds = this.#format ? this.#frames / this.#format.rate : 0;
    return {
      format: this.#format,
      seconds,
      channels: this.#peaks.map((peaks) => Float32Array.from(peaks)),
    };
  }

  #samples(chunk: Uint8Array<ArrayBuffer>): void {
    const format = this.#format;
    if (!format || this.#left <= 0) return;
    const used = chunk.subarray(0, Math.min(chunk.length, this.#left));
    this.#left -= used.length;
    const bytes = this.#odd.length > 0 ? join(this.#odd, used) : used;
    const size = format.channels * 2;
    const frames = Math.floor(bytes.length / size);
    this.#frames += frames;
    this.#odd = bytes.slice(frames * size);
    if (!this.#draws) return;
    const view = new DataView(bytes.buffer, bytes.byteOffset, frames * size);
    const perPeak = Math.max(1, Math.round((format.rate * PEAK_MS) / 1000));
    for (let frame = 0, at = 0; frame < frames; frame += 1) {
      for (let channel = 0; channel < format.channels; channel += 1, at += 2) {
        const loud = Math.abs(view.getInt16(at, true)) / 32768;
        if (loud > (this.#loudest[channel] ?? 0)) this.#loudest[channel] = loud;
      }
      this.#inPeak += 1;
      if (this.#inPeak === perPeak) this.#closePeak();
    }
  }

  #closePeak(): void {
    this.#inPeak = 0;
    this.#peaks.forEach((peaks, channel) => {
      peaks.push(this.#loudest[channel] ?? 0);
      this.#loudest[channel] = 0;
    });
  }
}

/** The caller's and the agent's waves as they are drawn: the loudest of each point, 0 to 1. */
export function wavesOf({ caller, agent }: Pick<PeaksData, 'caller' | 'agent'>): Float32Array[] {
  return [caller, agent].map((side) =>
    Float32Array.from({ length: Math.floor(side.length / 2) }, (_, at) =>
      Math.max(Math.abs(side[2 * at] ?? 0), Math.abs(side[2 * at + 1] ?? 0)) / 128,
    ),
  );
}

function join(a: Uint8Array, b: Uint8Array): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

/** At most `most` peaks, each the loudest of those it stands for. */
export function fewer(peaks: Float32Array, most: number): Float32Array {
  if (peaks.length <= most) return peaks;
  const out = new Float32Array(most);
  for (let at = 0; at < peaks.length; at += 1) {
    const to = Math.floor((at * most) / peaks.length);
    out[to] = Math.max(out[to] ?? 0, peaks[at] ?? 0);
  }
  return out;
}
