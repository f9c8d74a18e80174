// A WAV of two channels that look like two people taking turns.
import { seeded } from './data.mjs';

const RATE = 8_000;

export function conversation(ms, seed = 1) {
  const random = seeded(seed);
  const frames = Math.round((ms / 1000) * RATE);
  const bytes = Buffer.alloc(44 + frames * 4);
  bytes.write('RIFF', 0);
  bytes.writeUInt32LE(36 + frames * 4, 4);
  bytes.write('WAVEfmt ', 8);
  bytes.writeUInt32LE(16, 16);
  bytes.writeUInt16LE(1, 20);
  bytes.writeUInt16LE(2, 22);
  bytes.writeUInt32LE(RATE, 24);
  bytes.writeUInt32LE(RATE * 4, 28);
  bytes.writeUInt16LE(4, 32);
  bytes.writeUInt16LE(16, 34);
  bytes.write('data', 36);
  bytes.writeUInt32LE(frames * 4, 40);
  let [turn, left, loud] = [0, 0, 0];
  for (let frame = 0; frame < frames; frame += 1) {
    if (left === 0) {
      turn = 1 - turn;
      left = Math.floor(RATE * (0.6 + random() * 3));
    }
    left -= 1;
    if (frame % 800 === 0) loud = random() < 0.15 ? 0.02 : 0.2 + random() * 0.6;
    const tone = Math.sin((frame * 2 * Math.PI * (turn === 0 ? 180 : 240)) / RATE) * (0.6 + random() * 0.4);
    const sample = Math.round(tone * loud * 20_000);
    bytes.writeInt16LE(turn === 0 ? sample : Math.round(random() * 200), 44 + frame * 4);
    bytes.writeInt16LE(turn === 1 ? sample : Math.round(random() * 200), 46 + frame * 4);
  }
  return bytes;
}

/** At most `points` of the lowest and highest of each side, as the engine gives them. */
export function peaksOf(bytes, points) {
  const [frames, sides] = [(bytes.length - 44) / 4, [[], []]];
  const each = 160 * Math.max(1, Math.ceil(frames / 160 / points));
  for (let from = 0; from < frames; from += each) {
    sides.forEach((side, channel) => {
      let [low, high] = [0, 0];
      for (let frame = from; frame < Math.min(from + each, frames); frame += 1) {
        const sample = bytes.readInt16LE(44 + frame * 4 + channel * 2) >> 8;
        [low, high] = [Math.min(low, sample), Math.max(high, sample)];
      }
      side.push(low, high);
    });
  }
  return { point_ms: each / 8, caller: sides[0], agent: sides[1] };
}
