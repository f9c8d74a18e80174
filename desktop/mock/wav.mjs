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
