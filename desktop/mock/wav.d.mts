export function conversation(ms: number, seed?: number): Uint8Array<ArrayBuffer>;
export function peaksOf(
  bytes: Uint8Array<ArrayBuffer>,
  points: number,
): { point_ms: number; caller: number[]; agent: number[] };
